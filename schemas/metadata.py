"""What comes with an image: skin type and its source, patient, site, device, acquisition.

Read from the S3 user metadata of the fetch response or from the side-car `IMAGE.json`; both are flat maps
of strings (a side-car may hold numbers). A field that cannot be used never costs the patient a screening:
it is left out and the problem is recorded beside the outcome.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from evenscreen.schemas.reasons import FstSource, MetadataProblem, Modality

FST_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}


class ImageMetadata(BaseModel):
    """Validated metadata of one image; `patient` is the identifier as it came, never stored as such."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    fst: int | None = Field(default=None, ge=1, le=6)
    fst_source: FstSource = FstSource.UNKNOWN
    patient: str | None = Field(default=None, min_length=1, max_length=256)
    issuer: str = Field(default="", max_length=256)
    site: str | None = Field(default=None, max_length=64)
    device: str | None = Field(default=None, max_length=128)
    modality: Modality = Modality.UNKNOWN
    acquired_at: AwareDatetime | None = None
    age: int | None = Field(default=None, ge=0, le=130)
    sex: Literal["female", "male", "other"] | None = None
    body_site: str | None = Field(default=None, max_length=64)


def parse_metadata(raw: Mapping[str, object]) -> tuple[ImageMetadata, MetadataProblem | None]:
    """Everything usable in `raw`, and the first problem found, skin type before all others."""
    values = {name: raw[name] for name in ImageMetadata.model_fields if raw.get(name) not in (None, "")}
    if isinstance(fst := values.get("fst"), str):
        values["fst"] = FST_ROMAN.get(fst.strip().upper(), fst)
    if "fst" in values:
        values.setdefault("fst_source", FstSource.REPORTED)
    else:
        values["fst_source"] = FstSource.UNKNOWN
    if isinstance(sex := values.get("sex"), str):
        values["sex"] = sex.strip().lower()
    try:
        return ImageMetadata.model_validate(values), None
    except ValidationError as error:
        bad = {str(part["loc"][0]) for part in error.errors(include_input=False, include_context=False)}
        problem = MetadataProblem.FIELD_INVALID
        if bad & {"fst", "fst_source"}:
            bad |= {"fst", "fst_source"}
            problem = MetadataProblem.FST_INVALID
        kept = {name: value for name, value in values.items() if name not in bad}
        return ImageMetadata.model_validate(kept), problem
