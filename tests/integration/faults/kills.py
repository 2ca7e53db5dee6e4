"""Moments in which a worker is killed."""

import random
import time
from collections.abc import Callable, Sequence

from .clinic import Clinic
from .workers import Worker, eventually

COMMITTED_BY_NOW_S = 1.5
"""Longer than the commit interval: whatever was acknowledged too early is committed, and lost by the kill."""

Strike = Callable[[Clinic, int, random.Random], None]


def kill_in_transaction(clinic: Clinic, victims: int, chance: random.Random) -> None:
    """While at least one of them is provably inside the transaction of a batch, before its commit."""
    with clinic.database.held("predictions"):
        eventually("a worker is inside its transaction", clinic.database.waiting)
        time.sleep(COMMITTED_BY_NOW_S)
        _kill(clinic, victims, chance)


def kill_after_commit(clinic: Clinic, victims: int, chance: random.Random) -> None:
    """Right after a batch was committed to Postgres, hence mostly before it is acknowledged to Kafka."""
    before = clinic.count("audit_records")
    eventually("a batch is committed", lambda: clinic.count("audit_records") > before)
    _kill(clinic, victims, chance)


def kill_somewhere(clinic: Clinic, victims: int, chance: random.Random) -> None:
    """At any moment of a working crew."""
    before = clinic.count("audit_records")
    eventually("the crew works", lambda: clinic.count("audit_records") > before)
    time.sleep(chance.uniform(0, 1.5))
    _kill(clinic, victims, chance)


def kill_and_replace(clinic: Clinic, strikes: Sequence[tuple[Strike, int]], chance: random.Random) -> int:
    """Every strike in turn, with as many new workers after it; returns how many were killed."""
    for strike, victims in strikes:
        strike(clinic, victims, chance)
        clinic.assert_nothing_acknowledged_undone()
        for _ in range(victims):
            clinic.crew.start()
    return sum(victims for _, victims in strikes)


def _kill(clinic: Clinic, victims: int, chance: random.Random) -> None:
    alive: list[Worker] = [worker for worker in clinic.crew.workers if worker.alive]
    for worker in chance.sample(alive, victims):
        worker.kill()
