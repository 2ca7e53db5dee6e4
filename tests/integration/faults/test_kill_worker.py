"""kill -9 in the middle of a batch: nothing is lost and nothing is doubled."""

import random

from .clinic import Clinic
from .feeder import feeding
from .kills import kill_after_commit, kill_and_replace, kill_in_transaction, kill_somewhere


def test_ten_kills_in_the_middle_of_batches_leave_every_image_once(clinic: Clinic) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    clinic.announce(clinic.photographs(30))
    strikes = (
        (kill_in_transaction, 2),
        (kill_somewhere, 1),
        (kill_after_commit, 2),
        (kill_in_transaction, 1),
        (kill_somewhere, 2),
        (kill_in_transaction, 2),
    )
    with feeding(clinic):
        clinic.crew.start()
        clinic.crew.start()
        kills = kill_and_replace(clinic, strikes, chance)
    assert kills == 10
    clinic.wait_until_ended()
    clinic.assert_exactly_once()
    assert clinic.rows("SELECT DISTINCT outcome FROM audit_records") == [("screened",)]


def test_a_worker_killed_between_commit_and_acknowledgement_leaves_repeats_and_no_doubles(
    clinic: Clinic,
) -> None:
    clinic.announce(clinic.photographs(40))
    clinic.crew.start()
    kill_after_commit(clinic, 1, random.Random(0))
    assert clinic.group.behind() > 40 - len(clinic.ended())
    heir = clinic.crew.start().wait_ready()
    clinic.wait_until_ended()
    clinic.assert_exactly_once()
    assert heir.metric("evenscreen_repeats_total") > 0
