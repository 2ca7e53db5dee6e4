"""An event that Postgres or a header could not hold is unreadable, or one message would stop every worker."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from evenscreen.schemas.events import ImageArrived

GOOD = {
    "bucket": "clinic",
    "key": "a.jpg",
    "etag": "e",
    "last_modified": "2026-03-01T12:00:00Z",
    "door": "notification",
}


@pytest.mark.parametrize(
    "bad",
    [
        {"bucket": "a\x00"},
        {"key": "a\x00"},
        {"etag": "a\x00"},
        {"version_id": "a\x00"},
        {"size_bytes": 2**63 + 1},
        {"etag": "a\nb"},
        {"etag": "\u65e5"},
        {"etag": '""'},
        {"last_modified": "0001-01-01T00:00:00+14:00"},
        {"last_modified": "9999-12-31T23:59:59-12:00"},
    ],
)
def test_what_cannot_be_held_or_asked_for_is_refused_and_not_quoted(bad: dict[str, object]) -> None:
    ImageArrived.model_validate_json(json.dumps(GOOD))
    with pytest.raises(ValidationError) as caught:
        ImageArrived.model_validate_json(json.dumps(GOOD | bad))
    assert str(next(iter(bad.values()))) not in str(caught.value)


def test_the_largest_size_and_the_first_time_are_taken() -> None:
    event = ImageArrived.model_validate_json(
        json.dumps(GOOD | {"size_bytes": 2**63 - 1, "last_modified": "1970-01-01T00:00:00Z"})
    )
    assert event.last_modified == datetime(1970, 1, 1, tzinfo=UTC)
