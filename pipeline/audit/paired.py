"""What a comparison of two models on the same screened images says: one object, one JSON schema."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from evenscreen.pipeline.audit.plan import Grouping, Plan
from evenscreen.pipeline.audit.result import Completeness, Interval, Part
from evenscreen.pipeline.evidence.paired import PairedVerdict

Conclusion = Literal["promotable", "worse", "incomplete", "insufficient evidence"]
EXIT_CODES: dict[Conclusion, int] = {
    "promotable": 0,
    "worse": 10,
    "insufficient evidence": 11,
    "incomplete": 12,
}
"""0 only if the candidate may take the reference's place, as in `evenscreen model compare`."""


class PairedAreas(Part):
    """AUROC of both models, and the candidate's minus the reference's with one-sided 95 % bounds."""

    reference: float
    candidate: float
    difference: Interval


class PairedGroup(Part):
    """Both models on the same images of one group."""

    group: str
    images: int
    positives: int
    negatives: int
    areas: PairedAreas | None
    """None where a class has fewer than two images, or all are of one patient."""
    flips: int
    """Images that only one of the two models flags."""
    flipped: Interval | None
    """Their share, with 95 % limits; None without an image."""
    newly_missed: int
    """Positives that the reference flags and the candidate does not."""
    newly_caught: int
    verdict: PairedVerdict


class PairedGrouping(Part):
    """All registered groups of one grouping, in order."""

    grouping: Grouping
    groups: tuple[PairedGroup, ...]


class Missed(Part):
    """A positive that the reference flags and the candidate does not: `evenscreen trace` takes the id."""

    screening_id: UUID
    fst: str | None
    """Skin type; None where no type of the plan's source is known."""
    reference_score: int
    candidate_score: int


class TwoModels(Part):
    """Candidate against reference, and whether it may take the reference's place."""

    reference: str
    candidate: str
    since: AwareDatetime
    until: AwareDatetime
    """Half-open window on the store's Last-Modified: only screenings old enough for an outcome."""
    as_of: AwareDatetime
    plan: Plan
    plan_version: str
    margin: float
    """The plan's for AUROC: a loss that still counts as `no worse`."""
    code_version: str
    completeness: Completeness
    with_outcome: int
    """Images with an outcome that the reference screened."""
    not_reached: int
    """Of these, images that the candidate was never asked about: `rescreen` them."""
    not_screened: int
    """Of these, images that the candidate could not screen."""
    overall: PairedGroup
    groupings: tuple[PairedGrouping, ...]
    """The primary one first. In the other one `worse` blocks too, and missing evidence does not."""
    simulated: dict[str, PairedVerdict]
    """By tone, from the candidate's manifest: pixels are needed for it, so `model compare` has found it."""
    newly_missed: tuple[Missed, ...]
    missing_more: tuple[str, ...]
    """Groups in which the candidate misses more positives than the reference, beyond chance."""
    promotable: bool
    reasons: tuple[str, ...]
    unassessed: tuple[str, ...]
    """Groups without evidence, which somebody must sign for."""
    signed_by: str | None
    conclusion: Conclusion
