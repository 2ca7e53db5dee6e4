"""The messages on Kafka. They carry references, never pixels, and no patient data beyond the key itself."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from evenscreen.schemas.identity import object_key, screening_id, unquoted
from evenscreen.schemas.reasons import Door

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""A time outside cannot be said in every time zone, nor read back by every driver."""


class Event(BaseModel):
    """Frozen, strict about unknown fields, and silent about its values when validation fails."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def encoded(self) -> bytes:
        """UTF-8 JSON, the value of the Kafka message."""
        return self.model_dump_json().encode()


class ImageArrived(Event):
    """One object version stands in a bucket. Topic `images.arrived`, keyed by object."""

    schema_version: Literal[1] = 1
    bucket: str = Field(min_length=1, max_length=255)
    key: str = Field(min_length=1, max_length=1024)
    etag: str = Field(min_length=1, max_length=128)
    size_bytes: int | None = Field(default=None, ge=0, lt=2**63)
    version_id: str | None = Field(default=None, max_length=1024)
    last_modified: AwareDatetime = Field(ge=EARLIEST, lt=LATEST)
    """The store's Last-Modified where the door knows it, else the time of the notification."""
    door: Door
    trace_id: UUID = Field(default_factory=uuid4)
    rescreen: bool = False
    """Screen again under the present model although a terminal row exists under another."""

    @field_validator("etag")
    @classmethod
    def _without_quotes(cls, value: str) -> str:
        bare = unquoted(value)
        # It travels in a header (If-Match): a line break there would look like a store that does not answer.
        if not (bare and bare.isascii() and bare.isprintable()):
            raise ValueError("an ETag is printable ASCII")
        return bare

    @field_validator("bucket", "key", "version_id")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        if value is not None and "\x00" in value:
            raise ValueError("a NUL cannot be part of a name")
        return value

    @property
    def screening_id(self) -> UUID:
        return screening_id(self.bucket, self.key, self.etag)

    @property
    def message_key(self) -> bytes:
        return object_key(self.bucket, self.key)


class ExplanationRequested(Event):
    """A flagged image awaits its explanation. Topic `explanations.requested`, keyed by screening."""

    schema_version: Literal[1] = 1
    screening_id: UUID
    model_version: str
    bucket: str
    key: str
    etag: str
    version_id: str | None
    trace_id: UUID
