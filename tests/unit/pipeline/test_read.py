"""From bytes to events: each image once, and what cannot be read told without its values."""

import json
from datetime import UTC, datetime

import pytest

from evenscreen.pipeline.read import read
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door


def event(key: str = "a.png", **fields: object) -> ImageArrived:
    given = {"bucket": "b", "key": key, "etag": "0" * 32, "last_modified": datetime.now(UTC)}
    return ImageArrived.model_validate({**given, "door": Door.FOLDER, **fields})


def test_an_image_that_is_named_twice_is_one_image_with_its_first_event() -> None:
    first, again, other = event(), event(door=Door.RECONCILER), event("b.png")
    batch = read("t", [one.encoded() for one in (first, again, other)])
    assert batch.arrived == {
        first.screening_id: (first, first.encoded()),
        other.screening_id: (other, other.encoded()),
    }
    assert batch.messages == 3
    assert batch.unreadable == []


def test_a_wish_to_rescreen_is_not_lost_behind_another_event_of_the_image() -> None:
    plain, again = event(), event(rescreen=True)
    for order in ((plain, again), (again, plain)):
        batch = read("t", [one.encoded() for one in order])
        assert batch.arrived == {plain.screening_id: (again, again.encoded())}


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (None, "json"),
        (b"", "json"),
        (b"P-SECRET-1", "json"),
        (b"\xff\xfe", "json"),
        (b"[]", "json"),
        (json.dumps({"key": ["P-SECRET-1"]}).encode(), "bucket, door, etag, key, last_modified"),
        (event().encoded().replace(b'"schema_version":1', b'"schema_version":2'), "schema_version"),
    ],
)
def test_what_is_no_event_is_kept_and_told_by_place_only(raw: bytes | None, place: str) -> None:
    (letter,) = read("t", [raw]).unreadable
    assert letter.raw == (raw or b"")
    assert letter.topic == "t"
    assert letter.detail == f"at {place}"


def test_the_name_of_an_unknown_field_may_be_personal_and_is_not_told() -> None:
    raw = json.loads(event().encoded()) | {"P-SECRET-1": 1}
    (letter,) = read("t", [json.dumps(raw).encode()]).unreadable
    assert letter.detail == "at unknown field"
