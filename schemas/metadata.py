"""What comes with an image: skin type and its source, patient, site, device, acquisition.

Read from the S3 user metadata of the fetch response or from the side-car `IMAGE.json`; both are flat maps
of strings (a side-car may hold numbers). A field that cannot be used never costs the patient a screening:
it is left out and the problem is recorded beside the outcome.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from evenscreen.schemas.reasons import FstSource, MetadataProblem, Modality

FST_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
SEX_LETTERS = {"f": "female", "m": "male", "o": "other"}
"""DICOM's Patient's Sex (0010,0040)."""

_WHOLE = re.compile(r"[0-9]{1,9}(\.0{1,9})?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)


def _whole(value: object) -> object:
    """Whole numbers as 3, 3.0, "3" or "3.0"; a boolean is no number."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(float(value))
    if isinstance(value, (bool, str)):
        raise ValueError("not a whole number")
    return value


def _skin_type(value: object) -> object:
    if isinstance(value, str):
        value = FST_ROMAN.get(value.strip().upper(), value)
    return _whole(value)


def _text(value: object) -> object:
    """Text or a whole number (patient 4711); PostgreSQL stores no NUL."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("a NUL cannot be part of a text")
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _sex(value: object) -> object:
    value = _lower(value)
    return SEX_LETTERS.get(value, value) if isinstance(value, str) else value


def _iso_time(value: object) -> object:
    """Only ISO 8601 (pydantic alone would read 20240131 as seconds since 1970)."""
    if isinstance(value, datetime) or (isinstance(value, str) and _ISO.match(value.strip())):
        return value
    raise ValueError("not an ISO 8601 time")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the calendar") from None


Text = Annotated[str, BeforeValidator(_text)]


class ImageMetadata(BaseModel):
    """Validated metadata of one image; `patient` and `accession` are as they came, never stored as such."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, str_strip_whitespace=True
    )

    fst: Annotated[int, BeforeValidator(_skin_type), Field(ge=1, le=6)] | None = None
    fst_source: Annotated[FstSource, BeforeValidator(_lower)] = FstSource.UNKNOWN
    patient: Annotated[Text, Field(min_length=1, max_length=256)] | None = None
    issuer: Annotated[Text, Field(max_length=256)] = ""
    accession: Annotated[Text, Field(min_length=1, max_length=256)] | None = None
    """Accession number (DICOM 0008,0050) of the examination: by it pathology may name all its images."""
    site: Annotated[Text, Field(max_length=64)] | None = None
    device: Annotated[Text, Field(max_length=128)] | None = None
    modality: Annotated[Modality, BeforeValidator(_lower)] = Modality.UNKNOWN
    acquired_at: Annotated[AwareDatetime, BeforeValidator(_iso_time), AfterValidator(_utc)] | None = None
    age: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=130)] | None = None
    sex: Annotated[Literal["female", "male", "other"], BeforeValidator(_sex)] | None = None
    body_site: Annotated[Text, Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _skin_type_has_source(self) -> Self:
        if (self.fst is None) != (self.fst_source is FstSource.UNKNOWN):
            raise ValueError("a skin type and its source come together")
        return self


def parse_metadata(raw: Mapping[str, object]) -> tuple[ImageMetadata, MetadataProblem | None]:
    """Everything usable in `raw`, and a problem if there is one, that of the skin type before all others.

    Never raises. Names are read in any case and with `-` for `_`. None, blanks and "unknown" are no value.
    A skin type without a source is `reported`; one whose source is expressly unknown is not used, and
    neither is a source without a skin type.
    """
    folded = {name.strip().lower().replace("-", "_"): value for name, value in raw.items()} | dict(raw)
    values = {name: folded[name] for name in ImageMetadata.model_fields if _says(name, folded.get(name))}
    if "fst" in values:
        values.setdefault("fst_source", FstSource.REPORTED)
    else:
        values.pop("fst_source", None)
    try:
        return ImageMetadata.model_validate(values), None
    except ValidationError as error:
        bad = {
            str([*part["loc"], "fst"][0]) for part in error.errors(include_input=False, include_context=False)
        }
        problem = MetadataProblem.FIELD_INVALID
        if bad & {"fst", "fst_source"}:
            bad |= {"fst", "fst_source"}
            problem = MetadataProblem.FST_INVALID
        kept = {name: value for name, value in values.items() if name not in bad}
        # A skin type is held against its source only when every field is valid by itself: hence once more.
        metadata, further = parse_metadata(kept)
        return metadata, MetadataProblem.FST_INVALID if further is MetadataProblem.FST_INVALID else problem


def _says(name: str, value: object) -> bool:
    """Whether a value says anything; an express "unknown" as the source of a skin type does."""
    text = value.strip().lower() if isinstance(value, str) else value
    return text not in (None, "") and (text != "unknown" or name == "fst_source")
