"""The claims of tests/integration/faults, for longer: many kills, minutes of mixed weather."""

import random
import time
from collections.abc import Callable

import pytest

from ..integration.conftest import StackHandle
from ..integration.faults.clinic import Clinic
from ..integration.faults.feeder import feeding
from ..integration.faults.kills import (
    kill_after_commit,
    kill_and_replace,
    kill_in_transaction,
    kill_somewhere,
)
from ..integration.faults.supervisor import supervised

pytestmark = pytest.mark.timeout(3600)

KILLS = 50
WEATHER_S = 240.0


def test_fifty_kills_leave_every_image_once(clinic: Clinic) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    clinic.announce(clinic.photographs(30))
    kinds = (kill_in_transaction, kill_somewhere, kill_after_commit)
    killed = 0
    with feeding(clinic):
        clinic.crew.start()
        clinic.crew.start()
        while killed < KILLS:
            killed += kill_and_replace(clinic, [(chance.choice(kinds), chance.choice((1, 2, 2)))], chance)
    clinic.wait_until_ended()
    counted = clinic.assert_exactly_once()
    print(f"{counted.known} images, {killed} kills")


def test_minutes_of_mixed_weather_lose_nothing(
    fresh_stack: Callable[[], StackHandle], make_clinic: Callable[[StackHandle], Clinic]
) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    stack = fresh_stack()
    clinic = make_clinic(stack)

    def restart_kafka() -> None:
        clinic.publisher.close()  # kafka-python leaves sockets behind while it tries to reconnect
        stack.restart_kafka()

    happenings: list[Callable[[], object]] = [
        stack.restart_postgres_immediately,
        restart_kafka,
        clinic.database.cut_sessions,
        lambda: chance.choice([worker for worker in clinic.crew.workers if worker.alive]).kill(),
    ]
    end = time.monotonic() + WEATHER_S
    with supervised(clinic.crew, clinic.crew.start().wait_ready(), clinic.crew.start().wait_ready()) as codes:
        while time.monotonic() < end:
            clinic.announce(clinic.photographs(30))
            time.sleep(chance.uniform(0, 5))
            chance.choice(happenings)()
        clinic.wait_until_ended()
        counted = clinic.assert_exactly_once()
    print(f"{counted.known} images; workers ended with {codes}")
    assert set(codes) <= {75, -9}
