"""What every bucket does, whatever stores the objects: the same claims for a folder and for S3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from evenscreen.pipeline.fetch import fetch
from evenscreen.pipeline.store.base import Fetched
from evenscreen.pipeline.store.digest import md5
from evenscreen.schemas.errors import Rejected, Superseded, Transient
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door, Reason

KEYS = [
    "a.jpg",
    "ward 7/müller+söhne (1).jpg",
    "日本/皮膚.png",
    "a%20b/100%.jpg",
    "no-extension",
    "tilde~1.jpg",
    "quote'\"&<>#?.jpg",
    "e\u0301.jpg",
    "\u00e9.jpg",
]
METADATA = {
    "fst": "V",
    "fst_source": "reported",
    "site": "Köln+Süd 100%",
    "patient": "Ærø/1 %41",
    "device": "d;=,",
}


def get(bucket: Any, key: str, etag: str, max_bytes: int = 10_000) -> Fetched:
    return bucket.store.get(key, etag=etag, version_id=None, max_bytes=max_bytes)


def rejection(bucket: Any, key: str, etag: str, max_bytes: int = 10_000) -> Reason:
    with pytest.raises(Rejected) as caught:
        get(bucket, key, etag, max_bytes)
    assert key not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("key", KEYS)
def test_object_comes_back_by_any_key_with_its_metadata(bucket: Any, key: str) -> None:
    body = key.encode() * 3
    stored = bucket.put(key, body, METADATA)
    assert stored.key == key
    assert (stored.etag, stored.size_bytes) == (md5(body), len(body))
    fetched = get(bucket, key, stored.etag)
    assert (fetched.body, fetched.etag, dict(fetched.metadata)) == (body, stored.etag, METADATA)
    assert not fetched.metadata_unreadable
    assert [listed.key for listed in bucket.store.list()] == [key]


def test_put_head_list_and_get_agree(bucket: Any) -> None:
    stored = bucket.put("x/y.jpg", b"pixels")
    [listed] = bucket.store.list()
    headed = bucket.store.head("x/y.jpg")
    fetched = get(bucket, "x/y.jpg", stored.etag)
    assert headed == stored
    assert (listed.key, listed.etag, listed.size_bytes) == (stored.key, stored.etag, stored.size_bytes)
    # S3 says whole seconds in headers and finer ones in listings.
    moments = [at.last_modified.replace(microsecond=0) for at in (stored, headed, listed, fetched)]
    assert len(set(moments)) == 1
    assert abs(datetime.now(UTC) - moments[0]) < timedelta(minutes=1)


def test_other_content_at_the_key_supersedes(bucket: Any) -> None:
    first = bucket.put("a.jpg", b"one")
    second = bucket.put("a.jpg", b"two")
    with pytest.raises(Superseded):
        get(bucket, "a.jpg", first.etag)
    assert get(bucket, "a.jpg", second.etag).body == b"two"


def test_version_id_that_no_store_knows_falls_back_to_the_etag(bucket: Any) -> None:
    stored = bucket.put("a.jpg", b"one")
    for version_id in ("null", "no-such-version", str(uuid4())):
        assert bucket.store.get("a.jpg", etag=stored.etag, version_id=version_id, max_bytes=99).body == b"one"


def test_deleted_object_is_not_found(bucket: Any) -> None:
    stored = bucket.put("a.jpg", b"one")
    bucket.remove("a.jpg")
    assert rejection(bucket, "a.jpg", stored.etag) is Reason.OBJECT_NOT_FOUND
    assert rejection(bucket, "never/was.jpg", stored.etag) is Reason.OBJECT_NOT_FOUND
    assert bucket.store.head("a.jpg") is None
    assert list(bucket.store.list()) == []


def test_too_large_and_empty_objects_are_rejected(bucket: Any) -> None:
    large, empty = bucket.put("large.jpg", bytes(101)), bucket.put("empty.jpg", b"")
    assert rejection(bucket, "large.jpg", large.etag, max_bytes=100) is Reason.OBJECT_TOO_LARGE
    assert get(bucket, "large.jpg", large.etag, max_bytes=101).body == bytes(101)
    assert rejection(bucket, "empty.jpg", empty.etag) is Reason.OBJECT_EMPTY


def test_version_before_a_too_large_or_empty_one_is_superseded(bucket: Any) -> None:
    first = bucket.put("a.jpg", b"small")
    for body in (bytes(101), b""):
        bucket.put("a.jpg", body)
        with pytest.raises(Superseded):
            get(bucket, "a.jpg", first.etag, max_bytes=100)


def test_overwriting_replaces_the_metadata_too(bucket: Any) -> None:
    bucket.put("a.jpg", b"one", {"patient": "first"})
    second = bucket.put("a.jpg", b"two")
    assert dict(get(bucket, "a.jpg", second.etag).metadata) == {}


def test_listing_leaves_out_what_is_no_image(bucket: Any) -> None:
    others = [
        ".hidden.jpg",
        ".evenscreen/explanations/a.png",
        "deep/.git/a.jpg",
        "a.jpg.tmp",
        "b.PART",
        "c.jpg.crdownload",
        "d.jpg~",
        "a.jpg.json",
        "B.JSON",
    ]
    for key in [*others, "a.jpg", "deep/b.png"]:
        bucket.put(key, b"x")
    assert sorted(listed.key for listed in bucket.store.list()) == ["a.jpg", "deep/b.png"]


def test_derived_objects_can_be_put_and_fetched(bucket: Any) -> None:
    stored = bucket.put(".evenscreen/explanations/a.png", b"overlay")
    assert get(bucket, ".evenscreen/explanations/a.png", stored.etag).body == b"overlay"


def test_listing_of_more_than_a_thousand_objects_is_complete(bucket: Any) -> None:
    keys = {f"{number % 7}/{number}.jpg" for number in range(1100)}
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda key: bucket.put(key, b"x"), keys))
    listed = [found.key for found in bucket.store.list()]
    assert len(listed) == len(keys)
    assert set(listed) == keys


def test_readers_see_all_of_an_object_or_none_of_it(bucket: Any) -> None:
    bodies = [bytes([letter]) * 300_000 for letter in b"ab"]
    etags = {md5(body): body for body in bodies}
    bucket.put("a.jpg", bodies[0])

    def read(turn: int) -> int:
        etag, body = list(etags.items())[turn % 2]
        try:
            assert get(bucket, "a.jpg", etag, max_bytes=1_000_000).body == body
        except (Superseded, Transient):
            return 0
        return 1

    with ThreadPoolExecutor(4) as threads:
        reads = [threads.submit(read, turn) for turn in range(60)]
        for turn in range(30):
            bucket.put("a.jpg", bodies[turn % 2])
        assert sum(future.result() for future in reads) > 0


def test_check_passes_for_a_bucket_that_answers(bucket: Any) -> None:
    bucket.store.check()


def test_fetch_reads_what_the_event_names_and_only_from_known_buckets(bucket: Any) -> None:
    stored = bucket.put("a.jpg", b"pixels")
    event = ImageArrived(
        bucket=bucket.store.bucket,
        key="a.jpg",
        etag=f'"{stored.etag}"',
        last_modified=stored.last_modified,
        door=Door.NOTIFICATION,
    )
    assert fetch(event, {bucket.store.bucket: bucket.store}, 100).body == b"pixels"
    with pytest.raises(Rejected) as caught:
        fetch(event, {"other": bucket.store}, 100)
    assert caught.value.reason is Reason.BUCKET_UNKNOWN
