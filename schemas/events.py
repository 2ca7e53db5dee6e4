"""The messages on Kafka. They carry references, never pixels, and no patient data beyond the key itself."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from evenscreen.schemas.identity import object_key, reference_key, screening_id, unquoted
from evenscreen.schemas.labels import ImportStep, LabelledOutcome, LabelledSkinType
from evenscreen.schemas.reasons import Door

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""A time outside cannot be said in every time zone, nor read back by every driver."""


PSEUDONYM = r"^k[1-9][0-9]*:[0-9a-f]{64}$"


class Event(BaseModel):
    """Frozen, strict about unknown fields, and silent about its values when validation fails."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def encoded(self) -> bytes:
        """UTF-8 JSON, the value of the Kafka message."""
        return self.model_dump_json().encode()


def _etag(value: str) -> str:
    bare = unquoted(value)
    # It travels in a header (If-Match): a line break there would look like a store that does not answer.
    if not (bare and bare.isascii() and bare.isprintable()):
        raise ValueError("an ETag is printable ASCII")
    return bare


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a NUL cannot be part of a name")
    return value


Bucket = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_storable)]
Key = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]
ETag = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_etag)]
Importer = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_storable)]


class ImageArrived(Event):
    """One object version stands in a bucket. Topic `images.arrived`, keyed by object."""

    schema_version: Literal[1] = 1
    bucket: Bucket
    key: Key
    etag: ETag
    size_bytes: int | None = Field(default=None, ge=0, lt=2**63)
    version_id: Annotated[str, AfterValidator(_storable)] | None = Field(default=None, max_length=1024)
    last_modified: AwareDatetime = Field(ge=EARLIEST, lt=LATEST)
    """The store's Last-Modified where the door knows it, else the time of the notification."""
    door: Door
    trace_id: UUID = Field(default_factory=uuid4)
    rescreen: bool = False
    """Screen again under the present model although a terminal row exists under another."""

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


class LabelArrived(Event):
    """A report on one case came in. Topic `labels.arrived`, keyed by what it names.

    It names an image version (`screening_id`, or bucket, key and ETag), an object (bucket and key: its latest
    version at `reported_at`) or an accession number, as a pseudonym only.
    """

    schema_version: Literal[1] = 1
    screening_id: UUID | None = None
    bucket: Bucket | None = None
    key: Key | None = None
    etag: ETag | None = None
    accession: str | None = Field(default=None, pattern=PSEUDONYM)
    outcome: LabelledOutcome | None = None
    skin_type: LabelledSkinType | None = None
    reported_at: AwareDatetime = Field(ge=EARLIEST, lt=LATEST)
    """Validity time: when the source reported it. When it became known here is the database's to say."""
    imported_by: Importer
    batch_id: UUID
    row: int | None = Field(default=None, ge=1, lt=2**31)
    """Its row in a file: it counts once all rows of its batch have come (`ImportAnnounced`), or never. None:
    it came by itself and counts at once."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if sum(name is not None for name in (self.screening_id, self.key, self.accession)) != 1:
            raise ValueError("a report names a screening, an object or an accession number")
        if (self.key is None) != (self.bucket is None) or (self.etag is not None and self.key is None):
            raise ValueError("an object is a bucket and a key")
        if self.outcome is None and self.skin_type is None:
            raise ValueError("a report says an outcome, a skin type or both")
        return self

    @property
    def reference(self) -> tuple[str, ...]:
        """What it names, in one of three forms: screening, object, accession."""
        if self.screening_id is not None:
            return ("screening", str(self.screening_id))
        if self.bucket is not None and self.key is not None:
            if self.etag is None:
                return ("object", self.bucket, self.key)
            return ("screening", str(screening_id(self.bucket, self.key, self.etag)))
        return ("accession", str(self.accession))

    @property
    def message_key(self) -> bytes:
        return reference_key(*self.reference)


class ImportAnnounced(Event):
    """An import of a file began, ended or was abandoned. Topic `labels.arrived`, once in every partition.

    A partition is worked off in its order: where `finished` is recorded from every partition, so is every row
    that was not lost. If as many are there as were announced, they count from then on.
    """

    schema_version: Literal[1] = 1
    step: ImportStep
    batch_id: UUID
    """As the reports of the file bear it: of its content, so that the same file is the same batch."""
    reports: int | None = Field(default=None, ge=0, lt=2**31)
    """Rows of the file; whoever abandons it may not have it any more."""
    announced_by: Importer
    announced_at: AwareDatetime = Field(ge=EARLIEST, lt=LATEST)
    """The same in every partition: one announcement, however often it is delivered."""
    partition: int = Field(default=0, ge=0, lt=2**15)
    partitions: int = Field(default=1, ge=1, lt=2**15)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.partition >= self.partitions:
            raise ValueError("a partition is one of all")
        if (self.reports is None) != (self.step is ImportStep.ABANDONED):
            raise ValueError("an import has a number of rows")
        return self
