"""The same bad weather for our worker and for a naive one: the harness can see loss where there is loss."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from .clinic import Clinic
from .workers import eventually


def cut_sessions(clinic: Clinic, table: str) -> None:
    """When a worker is provably inside a transaction, its session is cut."""
    with clinic.database.held(table):
        eventually("a worker is inside its transaction", clinic.database.waiting)
        clinic.database.cut_sessions()


@contextmanager
def naive_worker(clinic: Clinic) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("naive.py"))],
        env={**os.environ, **clinic.crew.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_cut_sessions_cost_our_worker_nothing(clinic: Clinic) -> None:
    clinic.announce(clinic.photographs(40))
    worker = clinic.crew.start()
    for _ in range(4):
        cut_sessions(clinic, "predictions")
        clinic.assert_nothing_acknowledged_undone()
        clinic.announce(clinic.photographs(20))
    clinic.wait_until_ended()
    clinic.assert_exactly_once()
    assert worker.alive


def test_the_same_weather_costs_a_naive_worker_messages(clinic: Clinic) -> None:
    clinic.announce(clinic.photographs(40))

    def lost() -> int:
        committed = clinic.group.committed()
        stored: set[UUID | str] = {
            UUID(str(id_)) for (id_,) in clinic.rows("SELECT screening_id FROM arrivals")
        }
        return clinic.group.lost(committed, stored)

    with naive_worker(clinic):
        cut_sessions(clinic, "arrivals")
        eventually("it has acknowledged what it has not done", lost)
        print(f"the naive worker has lost {lost()} of {len(clinic.events)}")
