"""What only a folder does: paths, links, permissions, side-cars, mounts that go away."""

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evenscreen.pipeline.store.base import Fetched
from evenscreen.pipeline.store.digest import Digests, md5
from evenscreen.pipeline.store.file import FileStore
from evenscreen.schemas.errors import EvenscreenError, Fatal, Rejected, Superseded, Transient
from evenscreen.schemas.reasons import Reason

NOBODY = 65534


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    return folder


def get(root: Path, key: str, body: bytes) -> Fetched:
    return FileStore(root).get(key, etag=md5(body), version_id=None, max_bytes=1000)


def refusal(root: Path, key: str, body: bytes) -> Reason:
    with pytest.raises(Rejected) as caught:
        get(root, key, body)
    return caught.value.reason


@pytest.mark.parametrize(
    "key", ["../secret", "a/../../secret", "/etc/hostname", "a//b", "./a", "a/.", "", "a\x00b"]
)
def test_key_that_leaves_the_folder_finds_nothing_and_cannot_be_put(
    root: Path, tmp_path: Path, key: str
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "a").mkdir()
    assert refusal(root, key, b"secret") is Reason.OBJECT_NOT_FOUND
    assert FileStore(root).head(key) is None
    with pytest.raises(ValueError, match="relative path"):
        FileStore(root).put(key, tmp_path / "secret", {})


def test_symbolic_links_are_neither_fetched_nor_listed_nor_written_through(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.jpg").write_bytes(b"secret")
    (root / "file.jpg").symlink_to(outside / "a.jpg")
    (root / "folder").symlink_to(outside)
    for key in ("file.jpg", "folder/a.jpg"):
        assert refusal(root, key, b"secret") is Reason.OBJECT_NOT_FOUND
    with caplog.at_level(logging.WARNING):
        assert list(FileStore(root).list()) == []
    assert "'symbolic_link': 2" in caplog.text
    source = tmp_path / "new"
    source.write_bytes(b"new")
    with pytest.raises(EvenscreenError):
        FileStore(root).put("folder/a.jpg", source, {})
    FileStore(root).put("file.jpg", source, {})
    assert (outside / "a.jpg").read_bytes() == b"secret"


def test_pipes_and_folders_are_no_objects(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    (root / "folder.jpg").mkdir()
    assert refusal(root, "pipe.jpg", b"") is Reason.OBJECT_NOT_FOUND
    assert refusal(root, "folder.jpg", b"") is Reason.OBJECT_NOT_FOUND
    assert refusal(root, "folder.jpg/a.jpg", b"") is Reason.OBJECT_NOT_FOUND
    assert list(FileStore(root).list()) == []


def test_name_that_is_not_utf8_is_counted_not_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/patient-\xff.jpg")).write_bytes(b"x")
    (root / "a.jpg").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        assert [listed.key for listed in FileStore(root).list()] == ["a.jpg"]
    assert "'name_unsendable': 1" in caplog.text
    assert "patient" not in caplog.text


def test_listing_walks_deep_trees_in_order(root: Path) -> None:
    folder = root
    for _ in range(300):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "z.jpg").write_bytes(b"x")
    for name in ("b.jpg", "a.jpg", "e.jpg"):
        (root / name).write_bytes(b"x")
    keys = [listed.key for listed in FileStore(root).list()]
    assert keys == ["a.jpg", "b.jpg", "d/" * 300 + "z.jpg", "e.jpg"]


def test_file_that_changes_in_place_supersedes_what_was_announced(root: Path) -> None:
    (root / "a.jpg").write_bytes(b"half")
    store = FileStore(root)
    [listed] = store.list()
    (root / "a.jpg").write_bytes(b"full")
    with pytest.raises(Superseded):
        store.get("a.jpg", etag=listed.etag, version_id=None, max_bytes=99)
    assert [again.etag for again in store.list()] == [md5(b"full")]


@pytest.mark.parametrize("mtime_s", [0, 4_102_444_800, 16_000_000_000])
def test_wrong_clock_of_a_camera_does_not_date_an_image(root: Path, mtime_s: int) -> None:
    (root / "a.jpg").write_bytes(b"one")
    os.utime(root / "a.jpg", (mtime_s, mtime_s))
    [listed] = FileStore(root).list()
    now = datetime.now(UTC)
    assert now - timedelta(minutes=1) < listed.last_modified <= now
    assert get(root, "a.jpg", b"one").last_modified == listed.last_modified


def test_source_that_cannot_be_read_is_not_blamed_on_the_bucket(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileStore(root).put("a.jpg", tmp_path / "gone.jpg", {"fst": "3"})
    assert os.listdir(root) == []


def test_change_that_keeps_size_and_mtime_is_seen(root: Path) -> None:
    path = root / "a.jpg"
    path.write_bytes(b"one")
    digests = Digests(settled_ns=0)
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        assert digests.of(file.fileno()) == md5(b"one")
        path.write_bytes(b"two")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert digests.of(file.fileno()) == md5(b"two")


@pytest.mark.parametrize(("settled_ns", "times_read"), [(0, 1), (60_000_000_000, 2)])
def test_settled_file_is_read_once_and_a_young_one_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, settled_ns: int, times_read: int
) -> None:
    (root / "a.jpg").write_bytes(b"one")
    sizes: list[int] = []
    read = os.read

    def counted(descriptor: int, length: int) -> bytes:
        piece = read(descriptor, length)
        sizes.append(len(piece))
        return piece

    monkeypatch.setattr(os, "read", counted)
    digests = Digests(settled_ns=settled_ns)
    with (root / "a.jpg").open("rb") as file:
        assert {digests.of(file.fileno()) for _ in range(2)} == {md5(b"one")}
    assert sizes.count(3) == times_read


def test_last_modified_is_when_the_file_came_not_what_a_copy_carried_along(root: Path) -> None:
    (root / "a.jpg").write_bytes(b"x")
    os.utime(root / "a.jpg", (0, 0))
    [listed] = FileStore(root).list()
    assert datetime.now(UTC) - listed.last_modified < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        (b'{"fst": 3, "patient": "x"}', {"fst": 3, "patient": "x"}),
        (b'\xef\xbb\xbf{"fst": "II"}', {"fst": "II"}),
        ('{"site": "Köln"}'.encode("utf-16"), {"site": "Köln"}),
        (b"{}", {}),
        (b'{"fst": {"a": [1]}}', {"fst": {"a": [1]}}),
    ],
)
def test_sidecar_comes_with_its_image(root: Path, text: bytes, metadata: dict[str, object]) -> None:
    (root / "a.jpg").write_bytes(b"x")
    (root / "a.jpg.json").write_bytes(text)
    fetched = get(root, "a.jpg", b"x")
    assert (fetched.metadata, fetched.metadata_unreadable) == (metadata, False)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe\xff",
        b"null",
        b'{"fst": "I", "fst": "VI"}',
        b"[" * 60_000,
        b'{"n": ' + b"9" * 60_000 + b"}",
        b'{"site": "' + b"x" * 65_536 + b'"}',
    ],
)
def test_unreadable_sidecar_never_costs_the_screening(root: Path, text: bytes) -> None:
    (root / "a.jpg").write_bytes(b"x")
    (root / "a.jpg.json").write_bytes(text)
    fetched = get(root, "a.jpg", b"x")
    assert (fetched.body, fetched.metadata, fetched.metadata_unreadable) == (b"x", {}, True)


def test_put_writes_the_sidecar_before_the_image(root: Path) -> None:
    with pytest.raises(EvenscreenError):
        FileStore(root).put("w/a.jpg", Path("/proc/self/mem"), {"fst": "II"})  # opens, but reads as EIO
    assert json.loads((root / "w" / "a.jpg.json").read_text()) == {"fst": "II"}
    assert sorted(path.name for path in (root / "w").iterdir()) == ["a.jpg.json"]


def test_failed_put_leaves_the_old_object_and_no_temporary_file(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"old")
    store = FileStore(root)
    store.put("a.jpg", source, {})
    with pytest.raises(EvenscreenError):
        store.put("a.jpg", Path("/proc/self/mem"), {})
    assert get(root, "a.jpg", b"old").body == b"old"
    assert [path.name for path in root.iterdir()] == ["a.jpg"]


def test_missing_folder_is_fatal_with_a_sentence(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "gone")
    for use in (store.check, lambda: list(store.list()), lambda: get(tmp_path / "gone", "a.jpg", b"x")):
        with pytest.raises(Fatal, match="does not exist"):
            use()


def test_share_that_was_unmounted_is_weather_and_not_a_thousand_missing_images(root: Path) -> None:
    (root / "a.jpg").write_bytes(b"x")
    store = FileStore(root)
    store.check()
    shutil.move(root, root.with_name("elsewhere"))
    root.mkdir()
    for use in (
        lambda: store.get("a.jpg", etag=md5(b"x"), version_id=None, max_bytes=9),
        lambda: store.head("a.jpg"),
        lambda: list(store.list()),
    ):
        with pytest.raises(Transient, match="ENODEV"):
            use()
    root.rmdir()
    shutil.move(root.with_name("elsewhere"), root)
    assert len(list(store.list())) == 1


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read every file: become nobody for a while where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(user)


def test_what_may_not_be_read_is_forbidden_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "a.jpg").write_bytes(b"x")
        (root / "a.jpg").chmod(0)
        (root / "folder").mkdir(mode=0)
        root.chmod(0o555)
        with unprivileged(), caplog.at_level(logging.WARNING):
            assert refusal(root, "a.jpg", b"x") is Reason.OBJECT_FORBIDDEN
            assert list(FileStore(root).list()) == []
            with pytest.raises(Fatal, match="cannot be written to"):
                FileStore(root).put("b.jpg", Path(os.devnull), {})
        root.chmod(0o755)
    assert "{'file_unreadable': 1, 'folder_unreadable': 1}" in caplog.text


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOSPC, errno.ETIMEDOUT])
def test_failing_disk_or_share_is_weather(root: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    (root / "a.jpg").write_bytes(b"x")
    store = FileStore(root)

    def fail(*_: object) -> bytes:
        raise OSError(number, os.strerror(number), "a.jpg")

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(Transient, match=errno.errorcode[number]) as caught:
        store.head("a.jpg")
    assert "a.jpg" not in str(caught.value)
