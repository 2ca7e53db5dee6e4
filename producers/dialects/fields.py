"""Single fields of a notification: None where they say nothing that can be relied on."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from evenscreen.pipeline.store.names import is_sendable
from evenscreen.producers.dialects.reference import CannotRead, Problem
from evenscreen.schemas.events import EARLIEST, LATEST
from evenscreen.schemas.identity import unquoted

MAX_BUCKET = 255
MAX_ETAG = 128
MAX_VERSION_ID = 1024
MAX_BIGINT = 2**63 - 1


def member(value: Any, *path: str) -> Any:
    """The value at `path` in nested objects, None where a step is missing or no object."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def raw_key(value: Any) -> str:
    """A key that stands as it is. Raises `CannotRead` for anything that no event could carry."""
    if not isinstance(value, str) or not is_sendable(value):
        raise CannotRead(Problem.KEY_UNUSABLE)
    return value


def escaped_key(value: Any) -> str:
    """A key in form encoding (`+` is a space, `%2F` a slash), as S3 documents it for its notifications."""
    if not isinstance(value, str):
        raise CannotRead(Problem.KEY_UNUSABLE)
    try:
        return raw_key(unquote_plus(value, errors="strict"))
    except UnicodeError:
        raise CannotRead(Problem.KEY_UNUSABLE) from None


def bucket_name(value: Any) -> str:
    """A bucket's name. Raises `CannotRead`."""
    if not isinstance(value, str) or not is_sendable(value) or len(value) > MAX_BUCKET:
        raise CannotRead(Problem.BUCKET_UNUSABLE)
    return value


def etag(value: Any) -> str | None:
    """The ETag without quotes (RFC 9110, 8.8.3); None when there is none that an event could carry."""
    if not isinstance(value, str):
        return None
    bare = unquoted(value)
    return bare if 0 < len(bare) <= MAX_ETAG and bare.isascii() and bare.isprintable() else None


def size_bytes(value: Any) -> int | None:
    """A size, as a number or (Ceph) as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_BIGINT:
        return None
    return value


def version_id(value: Any) -> str | None:
    """A version id; `null` is S3's name for the version of an object in an unversioned bucket."""
    if not isinstance(value, str) or value in ("", "null") or len(value) > MAX_VERSION_ID:
        return None
    return value if value.isascii() and value.isprintable() else None


def event_time(value: Any, received_at: datetime) -> datetime:
    """ISO 8601, UTC where no zone is given; the time of receipt where the text is no time, or none that an
    event could carry (0001-01-01 is how Go writes that there is none)."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else received_at
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return received_at
    return moment if EARLIEST <= moment < LATEST else received_at
