"""What a bucket is: the one interface that workers and doors use, whatever stores the objects."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Listed:
    """One object as a listing or a HEAD describes it. The ETag is unquoted, the time aware UTC."""

    key: str
    etag: str
    size_bytes: int
    last_modified: datetime
    version_id: str | None = None


@dataclass(frozen=True)
class Fetched:
    """One object's bytes, with what the same response says about it."""

    body: bytes
    etag: str
    last_modified: datetime
    metadata: Mapping[str, object] = field(default_factory=dict)
    """As it came: strings from S3, JSON values from a side-car; `parse_metadata` judges them."""
    metadata_unreadable: bool = False
    """Something came with the image (a side-car) that could not be read."""


class Store(ABC):
    """One bucket.

    All methods raise `Transient` in bad weather, and `Fatal` where configuration must change; neither
    names a key. Implementations are safe to use from several threads.
    """

    bucket: str
    """The name that events carry."""

    @abstractmethod
    def get(self, key: str, *, etag: str, version_id: str | None, max_bytes: int) -> Fetched:
        """Fetch exactly the version with this ETag; `version_id` is used where the store keeps versions.

        Raises `Rejected` (OBJECT_NOT_FOUND, OBJECT_FORBIDDEN, OBJECT_EMPTY, OBJECT_TOO_LARGE before
        reading the body) or `Superseded` when another version stands at the key and this one is gone.
        """

    @abstractmethod
    def head(self, key: str) -> Listed | None:
        """The object that stands at `key` now, or None."""

    @abstractmethod
    def list(self) -> Iterator[Listed]:
        """Every image object, streamed; side-cars, hidden files and derived prefixes are left out."""

    @abstractmethod
    def put(self, key: str, source: Path, metadata: Mapping[str, str]) -> Listed:
        """Store a file with its metadata; durable and visible as a whole on return, never in part."""

    @abstractmethod
    def check(self) -> None:
        """Return when the bucket answers; else `Transient` or `Fatal`."""
