"""What a label says, in closed words: outcome of a case, skin type of a patient, and how they are known."""

from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator


class OutcomeSource(StrEnum):
    """The reference standard of an outcome, the strongest first."""

    HISTOPATHOLOGY = "histopathology"
    """Tissue was examined."""
    CONSENSUS = "consensus"
    """Several readers agreed."""
    FOLLOW_UP = "follow_up"
    """The lesion was seen again, long enough after."""
    REGISTRY = "registry"
    """A cancer registry was asked."""


class VerificationReason(StrEnum):
    """Why a case came to have an outcome: what sensitivity and specificity may assume depends on it."""

    FLAGGED = "flagged"
    """Because the model flagged it."""
    CLINICAL = "clinical"
    """Because a clinician suspected something."""
    RANDOM_SAMPLE = "random_sample"
    """It was drawn at random, with a known probability."""
    ROUTINE = "routine"
    """All cases of its kind are verified."""
    UNKNOWN = "unknown"


class Diagnosis(StrEnum):
    """What was found, where the source says more than whether it was malignant."""

    MELANOMA = "melanoma"
    BASAL_CELL_CARCINOMA = "basal_cell_carcinoma"
    SQUAMOUS_CELL_CARCINOMA = "squamous_cell_carcinoma"
    OTHER_MALIGNANT = "other_malignant"
    ACTINIC_KERATOSIS = "actinic_keratosis"
    """A precursor, which sources count either way."""
    NAEVUS = "naevus"
    SEBORRHOEIC_KERATOSIS = "seborrhoeic_keratosis"
    OTHER_BENIGN = "other_benign"


class ImportStep(StrEnum):
    """What is announced of a file whose rows are imported."""

    BEGUN = "begun"
    """Before the first row."""
    FINISHED = "finished"
    """After the last row was acknowledged."""
    ABANDONED = "abandoned"
    """A person decided that it never will be imported to its end."""


COUNTED = "counted"
"""Recorded, never announced: all rows of a file began to count."""


MALIGNANT = frozenset(
    {
        Diagnosis.MELANOMA,
        Diagnosis.BASAL_CELL_CARCINOMA,
        Diagnosis.SQUAMOUS_CELL_CARCINOMA,
        Diagnosis.OTHER_MALIGNANT,
    }
)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LabelledOutcome(_Said):
    """What was found, by which reference standard, and why anyone looked."""

    malignant: bool
    diagnosis: Diagnosis | None = None
    source: OutcomeSource
    verification_reason: VerificationReason = VerificationReason.UNKNOWN
    sampling_probability: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    """With which probability this case was chosen for verification, if it was by chance."""
    supersedes: UUID | None = None
    """The report that this one replaces; without it, another outcome is a contradiction."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.diagnosis not in (None, Diagnosis.ACTINIC_KERATOSIS) and self.malignant != (
            self.diagnosis in MALIGNANT
        ):
            raise ValueError("diagnosis and outcome contradict each other")
        if self.verification_reason is VerificationReason.RANDOM_SAMPLE and self.sampling_probability is None:
            raise ValueError("a random sample has a sampling probability")
        return self


class LabelledSkinType(_Said):
    """A Fitzpatrick skin type, 1 to 6, and where it comes from."""

    fst: int = Field(ge=1, le=6)
    fst_source: Literal["reported", "estimated", "simulated"]
