"""What a label says, in closed words: outcome of a case, skin type of a patient, and how they are known."""

from enum import StrEnum


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


MALIGNANT = frozenset(
    {
        Diagnosis.MELANOMA,
        Diagnosis.BASAL_CELL_CARCINOMA,
        Diagnosis.SQUAMOUS_CELL_CARCINOMA,
        Diagnosis.OTHER_MALIGNANT,
    }
)
