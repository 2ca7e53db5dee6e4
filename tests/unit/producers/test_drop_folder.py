"""The folder door on a real folder, with a clock that the test turns."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from watchfiles import Change

from evenscreen.pipeline.health import Health
from evenscreen.pipeline.store.file import FileStore
from evenscreen.pipeline.store.open import folder_of
from evenscreen.producers.drop_folder import DropFolder, watched_folder
from evenscreen.producers.duty import Duty
from evenscreen.producers.folder_scan import STEP_NAMES, FolderScan
from evenscreen.producers.publish import Message
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import ImageArrived, LabelArrived
from evenscreen.schemas.settings import FolderSettings
from evenscreen.schemas.topics import LABELS_ARRIVED

SETTLE_S = 0.5
WAIT_S = 5.0


@dataclass
class Recorder:
    """Keeps what the door publishes."""

    messages: list[Message] = field(default_factory=list)

    def publish(self, messages: Iterable[Message], /) -> None:
        self.messages.extend(messages)


class Folder:
    """One door over one folder; `dropped` writes like a copying program, `at` turns the clock."""

    def __init__(self, root: Path, clock: Callable[[], float] | None = None, **settings: Any) -> None:
        self.root = root
        self.recorder = Recorder()
        self.now_s = 0.0
        chosen = {
            "bucket": root.as_uri(),
            "kafka": "unused:1",
            "settle_s": SETTLE_S,
            "sidecar_wait_s": WAIT_S,
            "sidecar": "off",
            **settings,
        }
        self.stop = threading.Event()
        duty = Duty(self.stop, Health("watch"))
        self.door = DropFolder(
            FolderSettings(**chosen), FileStore(root), self.recorder, duty, clock or (lambda: self.now_s)
        )

    def dropped(self, key: str, content: bytes = b"pixels") -> tuple[Change, str]:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return (Change.added, str(path))

    def hears(self, key: str, patience_s: float = 30.0) -> bool:
        """Whether the door, running by itself, announces `key`."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if key in [json.loads(message.value)["key"] for message in self.recorder.messages]:
                return True
            time.sleep(0.02)
        return False

    def at(self, now_s: float, *changes: tuple[Change, str]) -> list[str]:
        """The keys announced by a round at `now_s`."""
        self.now_s = now_s
        before = len(self.recorder.messages)
        self.door.tick(changes)
        return [json.loads(message.value)["key"] for message in self.recorder.messages[before:]]


def late_sidecars() -> float:
    return REGISTRY.get_sample_value("evenscreen_sidecars_total", {"state": "late"}) or 0


def waiting() -> float:
    return REGISTRY.get_sample_value("evenscreen_waiting_for_sidecar") or 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_dropped_image_is_announced_once_it_has_settled(root: Path) -> None:
    folder = Folder(root)
    assert folder.at(0, folder.dropped("a b/ü+1.jpg")) == []
    assert folder.at(0.4) == []
    assert folder.at(0.5) == ["a b/ü+1.jpg"]
    assert folder.at(10) == []
    event = json.loads(folder.recorder.messages[0].value)
    assert event["bucket"] == "inbox"
    assert event["etag"] == "d399848208da8b80a306af0fd62bb03f"
    assert event["door"] == "folder"


def test_file_that_grows_unannounced_is_not_announced_half(root: Path) -> None:
    folder = Folder(root)
    folder.at(0, folder.dropped("a.jpg", b"half"))
    folder.dropped("a.jpg", b"half and more")
    assert folder.at(0.5) == []
    assert folder.at(1.0) == ["a.jpg"]


def test_names_that_are_no_images_are_never_announced(root: Path) -> None:
    folder = Folder(root)
    names = ["a.jpg.tmp", ".hidden.jpg", "a.jpg.json", ".evenscreen/a.jpg", "b.jpg.part", "x/.y/z.jpg"]
    folder.at(0, *(folder.dropped(name) for name in names))
    assert folder.at(100) == []


def renamed(folder: Folder, key: str) -> list[tuple[Change, str]]:
    """Puts a file by rename and returns what the system says of it."""
    temporary = folder.root / f".evenscreen-{key}.tmp"
    temporary.write_bytes(b"pixels")
    temporary.rename(folder.root / key)
    return [(Change.deleted, str(temporary)), (Change.added, str(folder.root / key))]


def test_put_by_rename_is_announced_at_once(root: Path) -> None:
    folder = Folder(root)
    folder.at(0)
    assert folder.at(1, *renamed(folder, "a.jpg")) == ["a.jpg"]


def test_put_with_sidecar_is_announced_at_once(root: Path) -> None:
    folder = Folder(root, sidecar="optional")
    folder.at(0)
    changes = [*renamed(folder, "a.jpg.json"), *renamed(folder, "a.jpg")]
    assert folder.at(1, *changes) == ["a.jpg"]


def test_copy_beside_a_rename_still_settles(root: Path) -> None:
    folder = Folder(root)
    folder.at(0)
    copied = folder.dropped("copied.jpg")
    assert folder.at(1, *renamed(folder, "put.jpg"), copied) == []
    again = folder.dropped("again.jpg")
    modified = (Change.modified, str(root / "again.jpg"))
    assert folder.at(1.1, *renamed(folder, "second.jpg"), again, modified) == ["second.jpg"]


def test_overwritten_image_is_announced_again(root: Path) -> None:
    folder = Folder(root)
    folder.at(0, folder.dropped("a.jpg", b"one"))
    assert folder.at(1) == ["a.jpg"]
    folder.at(2, folder.dropped("a.jpg", b"other"))
    assert folder.at(3) == ["a.jpg"]
    assert len({message.value for message in folder.recorder.messages}) == 2


def test_optional_sidecar_ends_the_wait(root: Path) -> None:
    folder = Folder(root, sidecar="optional")
    folder.at(0, folder.dropped("a.jpg"))
    assert folder.at(1) == []
    folder.at(2, folder.dropped("a.jpg.json", b"{}"))
    assert folder.at(2.4) == []
    assert folder.at(2.5) == ["a.jpg"]


def test_optional_goes_without_after_its_wait_and_counts_a_late_sidecar(root: Path) -> None:
    before = late_sidecars()
    folder = Folder(root, sidecar="optional")
    folder.at(0, folder.dropped("a.jpg"))
    folder.at(0.5)
    assert folder.at(0.5 + WAIT_S - 0.1) == []
    assert folder.at(0.5 + WAIT_S) == ["a.jpg"]
    folder.at(10, folder.dropped("a.jpg.json", b"{}"))
    assert folder.at(11) == []
    assert late_sidecars() == before + 1


def test_late_sidecar_becomes_a_skin_type_report_of_its_own_time(root: Path) -> None:
    folder = Folder(root, sidecar="optional", sidecar_wait_s=0)
    folder.at(0, folder.dropped("ü.jpg"), folder.dropped("b.jpg"))
    assert sorted(folder.at(1)) == ["b.jpg", "ü.jpg"]
    image = ImageArrived.model_validate_json(
        next(one.value for one in folder.recorder.messages if b"b.jpg" not in one.value)
    )
    late = folder.dropped("ü.jpg.json", b'{"fst": "V", "fst_source": "estimated", "patient": "4711"}')
    os.utime(root / "ü.jpg.json", (1_780_000_000, 1_780_000_000))
    folder.at(2, late, folder.dropped("b.jpg.json", b'{"fst": "IX"}'))
    folder.at(3)
    (message,) = [one for one in folder.recorder.messages if one.topic == LABELS_ARRIVED]
    label = LabelArrived.model_validate_json(message.value)
    assert label.reference == ("screening", str(image.screening_id))
    assert label.skin_type is not None
    assert (label.skin_type.fst, label.skin_type.fst_source) == (5, "estimated")
    assert label.reported_at.timestamp() == 1_780_000_000
    assert b"4711" not in message.value
    folder.at(4, folder.dropped("ü.jpg.json", b'{"fst": "V"}'))
    assert folder.at(5) == []


def test_sidecar_that_came_first_costs_no_wait(root: Path) -> None:
    folder = Folder(root, sidecar="optional")
    folder.at(0, folder.dropped("a.jpg.json", b"{}"))
    folder.at(1)
    folder.at(2, folder.dropped("a.jpg"))
    assert folder.at(2.5) == ["a.jpg"]


def test_required_waits_visibly_and_forever(root: Path) -> None:
    folder = Folder(root, sidecar="required")
    folder.at(0, folder.dropped("a.jpg"), folder.dropped("b.jpg"))
    assert folder.at(1) == []
    assert folder.at(1e6) == []
    assert waiting() == 2
    folder.at(1e6 + 1, folder.dropped("a.jpg.json", b"{}"))
    assert folder.at(1e6 + 2) == ["a.jpg"]
    assert waiting() == 1


def test_first_opening_announces_what_is_there(root: Path) -> None:
    folder = Folder(root)
    folder.dropped("old/a.jpg")
    folder.at(0)
    assert folder.at(1) == ["old/a.jpg"]


def closed(folder: Folder) -> None:
    """Let the door look at everything, announce it and remember how far it came."""
    for now_s in (0, 1, 2, 3):
        folder.at(now_s)


def test_reopened_door_announces_what_came_meanwhile_and_nothing_older(root: Path) -> None:
    first = Folder(root)
    first.dropped("old.jpg")
    closed(first)
    mark = root / ".evenscreen" / "watched"
    assert mark.exists()
    # The present is the only ctime a test can give a file: put the mark just after `old.jpg` instead.
    moment_ns = (root / "old.jpg").stat().st_ctime_ns + 1
    os.utime(mark, ns=(moment_ns, moment_ns))
    time.sleep(0.02)
    second = Folder(root)
    second.dropped("new.jpg")
    os.utime(root / "new.jpg", (0, 0))  # copying programs carry old mtimes along
    second.at(0)
    assert second.at(1) == ["new.jpg"]


def test_reopened_door_finds_a_folder_that_was_moved_in_as_a_whole(root: Path, tmp_path: Path) -> None:
    (tmp_path / "ward" / "deep").mkdir(parents=True)
    (tmp_path / "ward" / "deep" / "a.jpg").write_bytes(b"pixels")
    first = Folder(root)
    first.dropped("old.jpg")
    closed(first)
    moment_ns = time.time_ns()
    time.sleep(0.02)
    os.utime(root / ".evenscreen" / "watched", ns=(moment_ns, moment_ns))
    (tmp_path / "ward").rename(root / "ward")
    second = Folder(root)
    second.at(0)
    assert second.at(1) == ["ward/deep/a.jpg"]


def test_reopened_door_still_waits_for_required_sidecars(root: Path) -> None:
    first = Folder(root, sidecar="required")
    first.dropped("a.jpg")
    closed(first)
    moment_ns = time.time_ns() + 10**9
    os.utime(root / ".evenscreen" / "watched", ns=(moment_ns, moment_ns))
    second = Folder(root, sidecar="required")
    second.at(0)
    assert second.at(1) == []
    assert waiting() == 1
    second.at(2, second.dropped("a.jpg.json", b"{}"))
    assert second.at(3) == ["a.jpg"]


def test_watermark_stays_below_images_that_are_not_announced_yet(root: Path) -> None:
    folder = Folder(root, sidecar="optional")
    folder.dropped("a.jpg")
    ctime_ns = (root / "a.jpg").stat().st_ctime_ns
    for now_s in (0, 1, 2):
        assert folder.at(now_s) == []
    mark = root / ".evenscreen" / "watched"
    assert not mark.exists() or mark.stat().st_mtime_ns < ctime_ns


def test_lost_events_are_found_by_the_next_look(root: Path) -> None:
    folder = Folder(root, rescan_s=60)
    folder.at(0)
    folder.dropped("unannounced.jpg")
    assert folder.at(59) == []
    folder.at(61)
    assert folder.at(62) == ["unannounced.jpg"]


def test_look_passes_over_what_was_announced(root: Path) -> None:
    folder = Folder(root, rescan_s=60)
    folder.at(0, folder.dropped("a.jpg"))
    assert folder.at(1) == ["a.jpg"]
    for now_s in (61, 62, 122, 123):
        assert folder.at(now_s) == []


def test_name_that_is_not_utf8_does_not_end_the_door(root: Path) -> None:
    folder = Folder(root, clock=time.monotonic, settle_s=0.05)
    door = threading.Thread(target=folder.door.run)
    door.start()
    try:
        for number in range(3):
            (root / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"%d" % number)
            folder.dropped(f"{number}.jpg")
            assert folder.hears(f"{number}.jpg"), number
    finally:
        folder.stop.set()
        door.join()


@pytest.mark.parametrize("others", [0, STEP_NAMES + 1])
def test_look_that_is_hurried_comes_before_its_time(root: Path, others: int) -> None:
    for number in range(others):
        (root / f"{number:04}.jpg").write_bytes(b"pixels")
    scan = FolderScan(root, pause_s=60, sidecar_required=False)
    scan.step(0)  # with many others the look is still in progress, and already past the name to come
    (root / "0000-late.jpg").write_bytes(b"pixels")
    scan.hurry()
    found = [key for now_s in (1, 2, 3) for key, _stamp in scan.step(now_s)]
    assert "0000-late.jpg" in found


def test_folder_that_appears_full_is_looked_through(root: Path) -> None:
    folder = Folder(root)
    folder.at(0)
    folder.dropped("new/deep/a.jpg")
    folder.at(1, (Change.added, str(root / "new")))
    assert folder.at(2) == ["new/deep/a.jpg"]


def test_symbolic_links_lead_nowhere(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"pixels")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "linked").symlink_to(tmp_path)
    folder = Folder(root)
    folder.at(0, (Change.added, str(root / "link.jpg")), (Change.added, str(root / "linked")))
    assert folder.at(1) == []


def test_image_that_goes_before_it_settles_is_forgotten(root: Path) -> None:
    folder = Folder(root)
    change = folder.dropped("a.jpg")
    folder.at(0, change)
    (root / "a.jpg").unlink()
    assert folder.at(1) == []


def test_watched_folder_is_the_one_that_workers_read(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/a#1?/b%20c"
    settings = FolderSettings(bucket=url, kafka="unused:1")
    assert watched_folder(settings) == folder_of(url) == tmp_path / "a#1?" / "b c"


def test_two_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="2 folders"):
        Folder(tmp_path, bucket="file:///a,file:///b")
