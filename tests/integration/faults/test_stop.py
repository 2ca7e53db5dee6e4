"""A polite end: what is in hand is finished, what waits is left to others, and nobody waits for the dead."""

import signal
import time

import pytest

from .clinic import Clinic
from .workers import eventually

FETCHED_S = 3
"""After so long a worker has fetched what was announced; had it not, the test would be easier, never red."""
POLITE = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)


@POLITE
def test_a_busy_worker_finishes_its_batch_acknowledges_it_and_leaves_the_group(
    clinic: Clinic, number: signal.Signals
) -> None:
    clinic.announce(clinic.photographs(100))
    worker = clinic.crew.start()
    with clinic.database.held("predictions"):
        eventually("it is inside its transaction", clinic.database.waiting)
        worker.send(number)
        eventually("it has heard", lambda: worker.get("/readyz")[0] == 503)
        assert worker.alive
    assert worker.exit_code() == 0
    assert "worker stopped" in worker.output
    assert "Traceback" not in worker.output
    assert clinic.group.members() == 0
    done = len(clinic.ended())
    assert 0 < done < 100
    assert clinic.group.behind() == 100 - done

    clinic.crew.start()
    clinic.wait_until_ended()
    clinic.assert_exactly_once()


def test_a_stopping_worker_acknowledges_nothing_that_still_waits_in_its_buffers(clinic: Clinic) -> None:
    clinic.announce(clinic.photographs(1))
    worker = clinic.crew.start(batch_images="1")
    with clinic.database.held("predictions"):
        eventually("it is inside its transaction", clinic.database.waiting)
        worker.send(signal.SIGTERM)
        eventually("it has heard", lambda: worker.get("/readyz")[0] == 503)
        clinic.announce(clinic.photographs(24))
        time.sleep(FETCHED_S)
    assert worker.exit_code() == 0
    clinic.assert_nothing_acknowledged_undone()
    assert clinic.group.behind() == 24


@POLITE
def test_a_worker_that_waits_for_the_database_leaves_at_once_unacknowledged(
    clinic: Clinic, number: signal.Signals
) -> None:
    worker = clinic.crew.start(retry_cap_s="60").wait_ready()
    with clinic.database.closed():
        clinic.announce(clinic.photographs(20))
        eventually("it waits for the database", lambda: worker.waiting_for() == "database")
        assert worker.get("/healthz")[0] == 200
        assert worker.get("/readyz")[0] == 503
        worker.send(number)
        assert worker.exit_code() == 0
    assert "Traceback" not in worker.output
    assert clinic.count("audit_records") == 0
    assert clinic.group.behind() == 20

    clinic.crew.start()
    clinic.wait_until_ended()
    clinic.assert_exactly_once()


def test_an_idle_worker_leaves_the_group_so_that_others_need_not_wait(clinic: Clinic) -> None:
    first, second = clinic.crew.start(), clinic.crew.start()
    first.wait_ready(), second.wait_ready()
    eventually("both are in the group", lambda: clinic.group.members() == 2)
    first.send(signal.SIGTERM)
    assert first.exit_code() == 0
    assert clinic.group.members() == 1
    clinic.announce(clinic.photographs(10))
    clinic.wait_until_ended()
    clinic.assert_exactly_once()


def test_a_worker_started_in_bad_weather_is_ready_when_the_weather_is_good(clinic: Clinic) -> None:
    with clinic.database.closed():
        worker, other = clinic.crew.start(), clinic.crew.start()
        eventually("both wait", lambda: worker.waiting_for() == other.waiting_for() == "database")
        assert worker.get("/healthz")[0] == 200
        other.send(signal.SIGTERM)
        assert other.exit_code() == 0
    worker.wait_ready()
    assert clinic.count("audit_records") == 0
