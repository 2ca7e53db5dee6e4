"""Workers come and go while batches are in hand: a late acknowledgement passes nothing that is not done."""

import random
import signal

from .clinic import Clinic
from .feeder import feeding
from .workers import eventually


def test_workers_that_come_and_go_lose_and_double_nothing(clinic: Clinic) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    clinic.announce(clinic.photographs(100))
    clinic.crew.start(batch_images="3")
    with feeding(clinic):
        for _ in range(3):
            with clinic.database.held("predictions"):
                eventually("a batch is in hand", clinic.database.waiting)
                newcomer = clinic.crew.start(batch_images="3")
                eventually("another has joined", lambda n=newcomer: n.get("/readyz")[0] == 200)  # type: ignore[misc]
            clinic.assert_nothing_acknowledged_undone()
            leaver = chance.choice([worker for worker in clinic.crew.workers if worker.alive])
            leaver.send(signal.SIGTERM)
            assert leaver.exit_code() == 0
            clinic.assert_nothing_acknowledged_undone()
    clinic.wait_until_ended()
    clinic.assert_exactly_once()
