"""The first five minutes, as the README tells them, with the commands and nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from PIL import Image

COMMAND = [sys.executable, "-P", "-m", "evenscreen.infra.cli"]
PATIENCE_S = 60.0


class Person:
    """Somebody at a terminal with one state folder."""

    def __init__(self, state_dir: Path, model: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")},
            "EVENSCREEN_STATE_DIR": str(state_dir),
            "EVENSCREEN_MODEL": str(model),
        }
        self._background: list[subprocess.Popen[bytes]] = []

    def types(self, *arguments: object, code: int = 0) -> str:
        """Run `evenscreen …` to its end and return what stdout says."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], env=self.environment, capture_output=True, text=True, cwd="/"
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def starts(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`evenscreen … &`."""
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=self.environment, cwd="/", stderr=subprocess.DEVNULL
        )
        self._background.append(process)
        return process

    def leaves(self) -> None:
        for process in self._background:
            process.kill()
            process.wait()
        self.types("down")


@pytest.fixture
def person(tiny_model: Path) -> Iterator[Person]:
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-journey-"))
    folder.chmod(0o711)
    somebody = Person(folder / "state", tiny_model)
    try:
        yield somebody
    finally:
        somebody.leaves()
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], Any]) -> Any:
    """The first true answer of `condition`, asked again for a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.2)
    return answer


def test_from_nothing_to_a_traced_row_and_back_to_nothing(person: Person, tmp_path: Path) -> None:
    photograph = tmp_path / "photo ü+1.jpg"
    Image.effect_noise((300, 240), 60).convert("RGB").save(photograph)

    reached = json.loads(person.types("up", "--json"))
    assert {"kafka", "database_url", "bucket"} <= reached.keys()
    assert json.loads(person.types("up", "--json")) == reached

    door, worker = person.starts("watch"), person.starts("worker", "screening")
    person.types(
        "drop", photograph, "--fst", "4", "--site", "clinic-7", "--patient", "P 1", "--issuer", "here"
    )
    status = until(
        lambda: (
            (found := json.loads(person.types("status", "--json", "--sample-s", "0.2")))
            and found["ledger"]["screened"] == 1
            and found
        )
    )
    assert status["ledger"] == {
        "known": 1,
        "listed": 0,
        "arrived": 1,
        "screened": 1,
        "rejected": 0,
        "superseded": 0,
        "in_flight": 0,
        "missing": 0,
    }
    group = status["groups"]["evenscreen-screening"]
    assert {"lag", "rate_per_s", "time_to_empty_s"} <= group.keys()
    assert group["members"] == 1

    trace = json.loads(person.types("trace", photograph, "--json"))
    assert [row["outcome"] for row in trace["terminal"]] == ["screened"]
    assert (trace["terminal"][0]["fst"], trace["terminal"][0]["fst_source"]) == (4, "reported")
    assert json.loads(person.types("trace", trace["screening_id"], "--json")) == trace

    person.types("reconcile")
    assert json.loads(person.types("status", "--json", "--sample-s", "0.2"))["ledger"]["listed"] == 1

    with psycopg2.connect(reached["database_url"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pseudonym FROM patients")
        (row,) = cursor.fetchall()
        assert row[0].startswith("k1:")
        cursor.execute("SELECT count(*) FROM predictions")
        assert cursor.fetchone() == (1,)
    connection.close()

    for process in (door, worker):
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)


def test_the_demo_accounts_for_every_image_and_leaves_nothing_running() -> None:
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-demo-test-"))
    folder.chmod(0o711)
    try:
        done = subprocess.run(
            [*COMMAND, "demo", "--folder", str(folder / "demo")],
            capture_output=True,
            text=True,
            cwd="/",
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        told = done.stdout
        counts = {
            name: int(line.split(name)[1].split()[0])
            for line in told.splitlines()
            for name in ("known", "listed", "screened", "rejected", "in flight", "missing")
            if line.startswith(name)
        }
        assert counts == {
            "known": 106,
            "listed": 106,
            "screened": 100,
            "rejected": 6,
            "in flight": 0,
            "missing": 0,
        }
        assert "killed with -9" in told
        assert "research demonstration, not a medical device" in told
        assert "psql" in told
        left = [
            p.info["cmdline"]
            for p in psutil.process_iter(["cmdline"])
            if str(folder) in " ".join(p.info["cmdline"] or [])
        ]
        assert left == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
