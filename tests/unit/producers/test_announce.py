"""What a notification leads to: an event, a question to the store, a count, or a dead letter."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evenscreen.pipeline.store.file import FileStore
from evenscreen.producers.announce import Announced, Announcer

RECORDED = Path(__file__).parent / "recorded"
RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, bucket="clinic")


def read(store: FileStore, **object_fields: Any) -> Announced:
    message = json.loads((RECORDED / "versity_put.json").read_bytes())
    bucket = object_fields.pop("bucket", "clinic")
    message["Records"][0]["s3"]["bucket"]["name"] = bucket
    message["Records"][0]["s3"]["object"] |= object_fields
    return Announcer({"clinic": store}).read(json.dumps(message).encode(), RECEIVED)


def test_full_notification_is_believed_without_a_question(store: FileStore) -> None:
    said = read(store, key="nowhere.jpg")
    (event,) = said.events
    assert (event.bucket, event.key, event.size_bytes) == ("clinic", "nowhere.jpg", 10)
    assert event.door == "notification"
    assert said.fates == Counter({("versity", "published"): 1})


def test_missing_etag_is_asked_of_the_store(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    (event,) = read(store, key="a.jpg", eTag=None).events
    assert (event.etag, event.size_bytes) == ("d399848208da8b80a306af0fd62bb03f", 6)


def test_a_store_with_a_wrong_clock_ends_no_relay(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    listed = store.head("a.jpg")
    assert listed is not None
    for wrong in (datetime(1903, 1, 1, tzinfo=UTC), datetime(9999, 6, 1, tzinfo=UTC)):
        monkeypatch.setattr(store, "head", lambda _key, wrong=wrong: replace(listed, last_modified=wrong))
        (event,) = read(store, key="a.jpg", eTag=None).events
        assert datetime(1970, 1, 1, tzinfo=UTC) <= event.last_modified <= datetime.now(UTC)


def test_object_that_is_gone_is_counted(store: FileStore) -> None:
    said = read(store, key="a.jpg", eTag=None)
    assert not said.events
    assert not said.unreadable
    assert said.fates == Counter({("versity", "gone"): 1})


@pytest.mark.parametrize(
    "key", ["a.jpg.json", ".hidden.jpg", ".evenscreen/overlay.png", "folder/", "a.jpg.tmp"]
)
def test_what_is_no_image_is_counted(store: FileStore, key: str) -> None:
    said = read(store, key=key)
    assert not said.events
    assert said.fates == Counter({("versity", "not_image"): 1})


def test_unknown_bucket_is_announced_so_that_the_worker_shows_it(store: FileStore) -> None:
    (event,) = read(store, bucket="elsewhere", key="a.jpg").events
    assert event.bucket == "elsewhere"


def test_unknown_bucket_without_etag_becomes_a_dead_letter(store: FileStore) -> None:
    said = read(store, bucket="elsewhere", key="a.jpg", eTag=None)
    assert not said.events
    assert said.unreadable == "1 x bucket_unknown"


def test_readable_records_go_on_although_the_message_is_kept(store: FileStore) -> None:
    message = json.loads((RECORDED / "aws_put.json").read_bytes())
    message["Records"] += [{}, {}, None]
    said = Announcer({"clinic": store}).read(json.dumps(message).encode(), RECEIVED)
    assert len(said.events) == 1
    assert said.unreadable == "2 x bucket_unusable, 1 x record_not_an_object"
