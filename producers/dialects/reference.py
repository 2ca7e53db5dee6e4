"""What a notification says, whatever its dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Dialect(StrEnum):
    """Who wrote the notification, as far as reading it differs."""

    MINIO = "minio"
    AWS = "aws"
    EVENTBRIDGE = "eventbridge"
    CEPH = "ceph"
    VERSITY = "versity"
    UNKNOWN = "unknown"


class Ignored(StrEnum):
    """Why a record names no image to screen."""

    REMOVED = "removed"
    """An object, or a marker over it, went."""
    TEST = "test"
    """The server or the subscription tries the way."""
    OTHER = "other"
    """Reads, tags, access lists, restores, life cycle, replication: no new content."""


class Problem(StrEnum):
    """Why a message, or one record of it, cannot be read. Says nothing of what stood there."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_RECORDS = "no_records"
    RECORD_NOT_AN_OBJECT = "record_not_an_object"
    BUCKET_UNUSABLE = "bucket_unusable"
    KEY_UNUSABLE = "key_unusable"


class CannotRead(Exception):
    """A record that may announce an image but does not say which."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass(frozen=True)
class ObjectReference:
    """One object that was created. What the dialect does not say, or says unreliably, is None.

    `etag` is unquoted; None asks for a HEAD. `last_modified` is the time of the event, else of its receipt.
    """

    bucket: str
    key: str = field(repr=False)
    etag: str | None
    size_bytes: int | None
    version_id: str | None
    last_modified: datetime


@dataclass(frozen=True)
class Normalised:
    """One message: what it announces, what it says besides, and what in it cannot be read."""

    dialect: Dialect
    objects: tuple[ObjectReference, ...] = ()
    ignored: Mapping[Ignored, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
