"""From a file in a folder to an event on Kafka, through the real watcher."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.store.digest import md5
from evenscreen.pipeline.store.file import FileStore
from evenscreen.producers.drop_folder import DropFolder
from evenscreen.producers.publish import Publisher
from evenscreen.schemas.settings import FolderSettings


@pytest.fixture
def inbox(tmp_path: Path, unique_name: Callable[[str], str]) -> Path:
    folder = tmp_path / unique_name("inbox")
    folder.mkdir()
    return folder


@pytest.fixture
def opened(
    inbox: Path, stack: Reach, make_duty: Any, in_background: Any, wait_until: Any
) -> Callable[[], Any]:
    """`with opened() as raised:` keeps a door open over the inbox; it watches when the block begins."""

    @contextmanager
    def open_() -> Iterator[list[BaseException]]:
        settings = FolderSettings(kafka=stack.kafka, bucket=inbox.as_uri(), sidecar="off", settle_s=0.2)
        duty = make_duty()
        with closing(Publisher(settings)) as publisher:
            door = DropFolder(settings, FileStore(inbox), publisher, duty)
            with in_background(door.run, duty) as raised:
                wait_until(lambda: duty.health.report("/readyz")[0] == 200)
                yield raised

    return open_


def test_every_way_to_drop_a_file_is_announced(
    inbox: Path, opened: Any, arrivals: Any, tmp_path: Path
) -> None:
    reader = arrivals(inbox.name)
    source = tmp_path / "source.jpg"
    source.write_bytes(b"pixels")
    (inbox / "before.jpg").write_bytes(b"there already")
    with opened() as raised:
        shutil.copy2(source, inbox / "copied.jpg")
        shutil.copytree(_folder_of(tmp_path, 20), inbox / "ward 3")
        _folder_of(tmp_path / "other", 20).rename(inbox / "moved")
        FileStore(inbox).put("put/ü+1.jpg", source, {"fst": "3"})
        with (inbox / "slow.jpg").open("wb") as slow:
            for _ in range(10):
                slow.write(b"x" * 1000)
                slow.flush()
                time.sleep(0.05)
        events = reader.until(44)
    assert not raised
    keys = {event.key for event in events}
    assert keys >= {"before.jpg", "copied.jpg", "put/ü+1.jpg", "slow.jpg"}
    assert len(keys) == 44
    slow_event = next(event for event in events if event.key == "slow.jpg")
    assert slow_event.etag == md5(b"x" * 10_000)


def _folder_of(parent: Path, count: int) -> Path:
    folder = parent / "folder"
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_text(str(number))
    return folder


def test_door_that_was_closed_catches_up(inbox: Path, opened: Any, arrivals: Any) -> None:
    reader = arrivals(inbox.name)
    with opened():
        (inbox / "a.jpg").write_bytes(b"a")
        reader.until(1)
    (inbox / "b.jpg").write_bytes(b"b")
    with opened():
        reader.until(2)
    assert {event.key for event in reader.seen} == {"a.jpg", "b.jpg"}


def test_sigterm_ends_the_process_cleanly(inbox: Path, stack: Reach, arrivals: Any) -> None:
    reader = arrivals(inbox.name)
    (inbox / "a.jpg").write_bytes(b"a")
    environment = {
        **os.environ,
        "EVENSCREEN_KAFKA": stack.kafka,
        "EVENSCREEN_BUCKET": inbox.as_uri(),
        "EVENSCREEN_SIDECAR": "off",
    }
    program = "from evenscreen.infra.cli.main import main; main()"
    door = subprocess.Popen(
        [sys.executable, "-c", program, "watch"], env=environment, cwd=inbox.parent, stderr=subprocess.PIPE
    )
    try:
        reader.until(1)
        door.send_signal(signal.SIGTERM)
        _out, err = door.communicate(timeout=30)
    finally:
        door.kill()
    assert door.returncode == 0, err
    assert b"a.jpg" not in err
