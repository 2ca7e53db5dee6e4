"""Reports have the guarantees of images: whatever breaks, each is recorded once, and poison stops nobody."""

import hashlib
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenscreen.infra.local.reach import Reach

from ..conftest import StackHandle
from .kills import COMMITTED_BY_NOW_S
from .pathology import Pathology, open_pathology
from .workers import eventually


@pytest.fixture
def pathology(stack_handle: StackHandle, fresh_database: Reach, tmp_path: Path) -> Iterator[Pathology]:
    """On the session's stack, with a database of its own."""
    with open_pathology(stack_handle.state, fresh_database, tmp_path) as opened:
        yield opened


def test_killed_label_workers_lose_nothing_and_double_nothing(pathology: Pathology) -> None:
    seed = 20260321
    chance = random.Random(seed)
    pathology.file(100)
    pathology.start()
    for strike in range(4):
        if strike % 2:
            before = pathology.left()
            eventually("a batch is committed", lambda before=before: pathology.left() > before)
            time.sleep(chance.uniform(0, 0.5))
            pathology.crew.workers[-1].kill()
        else:
            # While it adds reports to those that wait; while it lets a file count.
            with pathology.database.held("ground_truth" if strike else "held_reports"):
                eventually("a worker is inside its transaction", pathology.database.waiting)
                time.sleep(COMMITTED_BY_NOW_S)
                pathology.crew.workers[-1].kill()
        pathology.assert_nothing_acknowledged_undone()
        pathology.assert_files_are_whole()
        pathology.file(50)
        pathology.start()
    pathology.wait_until_recorded()
    pathology.assert_exactly_once()
    assert pathology.assert_files_are_whole() == 5


def test_poison_is_dead_lettered_at_once_and_good_reports_are_recorded(pathology: Pathology) -> None:
    good = pathology.reports(5)
    fields = json.loads(good[0].encoded())
    poison = [
        b"not json",
        b"",
        json.dumps({**fields, "schema_version": 99}).encode(),
        json.dumps({**fields, "accession": "4711"}).encode(),
        json.dumps({**fields, "surprise": "P-SECRET-1"}).encode(),
        json.dumps({**fields, "outcome": {"malignant": "perhaps", "source": "histopathology"}}).encode(),
    ]
    pathology.send_raw(poison)
    pathology.reports(5)
    worker = pathology.start()
    pathology.wait_until_recorded()
    eventually("all is acknowledged", lambda: pathology.group.behind() == 0)
    assert worker.alive
    letters = pathology.rows("SELECT event_sha256, reason, topic FROM dead_letters")
    assert set(letters) == {
        (hashlib.sha256(raw).hexdigest(), "event_unreadable", "labels.arrived") for raw in poison
    }
    assert "P-SECRET-1" not in worker.output
    assert not any(
        "P-SECRET-1" in str(detail) for detail in pathology.rows("SELECT detail FROM dead_letters")
    )
    pathology.assert_exactly_once()


def test_bad_weather_is_ridden_out_and_a_stopping_worker_leaves_it_to_others(pathology: Pathology) -> None:
    waits, heir = pathology.start(retry_cap_s="60").wait_ready(), None
    with pathology.database.closed():
        pathology.reports(20)
        eventually("it waits for the database", lambda: waits.waiting_for() == "database")
        waits.send(signal.SIGTERM)
        assert waits.exit_code() == 0
        assert pathology.group.behind() == 20
        heir = pathology.start()
        eventually("the heir waits, too", lambda: heir.waiting_for() == "database")
    pathology.wait_until_recorded()
    pathology.assert_exactly_once()
