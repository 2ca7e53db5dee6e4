"""What a comparison of a compressed model with its parent found: figures, verdicts, and what is not known."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evenscreen.schemas.manifest import (
    Difference,
    Form,
    GroupResult,
    Interval,
    Latency,
    Manifest,
    PairedVerdict,
    Promotion,
)

Source = Literal["overall", "simulated", "reported"]

STRESS_TEST = "a paired stress test, no evidence about people"
"""What figures on simulated tones are; said wherever they are shown."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Footprint(Part):
    """One of the two models and what it costs."""

    model_version: str
    form: Form
    size_bytes: int
    parameters: int
    macs: int | None
    latency: tuple[Latency, ...]
    threshold: int


class CalibrationError(Part):
    """Expected calibration error over 15 bins beside what a perfect model shows on as many images."""

    ece: float
    floor: float


class Figures(Part):
    """One model on one group, flags at its own operating point; None where nothing can be computed."""

    auroc: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None


class GroupComparison(Part):
    """Both models on the same images of one group.

    Positions count from 0 in the split (overall, simulated) or in the judging part (reported): no names.
    """

    source: Source
    group: str
    n: int
    positives: int
    patients: int | None
    """None where every image counts as a person of its own."""
    parent: Figures
    candidate: Figures
    difference: Difference | None
    verdict: PairedVerdict
    reason: str | None
    """Why the evidence is insufficient."""
    flipped: int
    flips: Interval | None
    """Share of images that only one of the two flags."""
    newly_missed: tuple[int, ...]
    """Positions of malignant images that the parent flags and the candidate does not."""
    newly_caught: tuple[int, ...]


class Gap(Part):
    """Largest difference in AUROC between simulated tones, which chance makes larger, and its paired change.

    Bounds of the change hold for the tones named, which the data chose: it has no verdict.
    """

    source: Literal["simulated"] = "simulated"
    meaning: str = STRESS_TEST
    parent: float
    parent_tones: tuple[str, str]
    """Best and worst."""
    candidate: float
    candidate_tones: tuple[str, str]
    change: Difference


class Comparison(Part):
    """Parent and candidate on the same images, and whether the candidate may take the parent's place."""

    compared_on: date
    parent: Footprint
    candidate: Footprint
    split: str
    margin: float
    overall: GroupComparison
    parent_calibration: CalibrationError
    candidate_calibration: CalibrationError
    simulated: tuple[GroupComparison, ...]
    simulated_meaning: str = STRESS_TEST
    gap: Gap | None
    reported_data: str | None
    reported: tuple[GroupComparison, ...]
    """I–II, III–IV, V–VI: these decide."""
    reported_types: tuple[GroupComparison, ...]
    """I to VI: secondary, but `worse` blocks here too."""
    promotable: bool
    reasons: tuple[str, ...]
    unassessed: tuple[str, ...]
    signed_by: str | None


def recorded(manifest: Manifest, comparison: Comparison) -> Manifest:
    """The candidate's manifest with what the comparison found in place of any earlier one.

    Raises ValueError when the comparison is of another candidate.
    """
    if comparison.candidate.model_version != manifest.model_version:
        raise ValueError(f"compared was {comparison.candidate.model_version}, not {manifest.model_version}")
    simulated = [_result(group, comparison.split) for group in comparison.simulated]
    named = comparison.reported_data or ""
    reported = [_result(group, named) for group in (*comparison.reported, *comparison.reported_types)]
    overall = comparison.overall
    promotion = Promotion(
        compared_on=comparison.compared_on,
        parent=comparison.parent.model_version,
        split=comparison.split,
        margin=comparison.margin,
        difference=overall.difference,
        verdict=overall.verdict,
        flips=overall.flips,
        newly_missed=len(overall.newly_missed),
        promotable=comparison.promotable,
        reasons=comparison.reasons,
        unassessed=comparison.unassessed,
        signed_by=comparison.signed_by,
    )
    found = {"groups": (*simulated, *reported), "promotion": promotion}
    # Through the validators, unlike model_copy.
    return Manifest.model_validate({**dict(manifest), **found})


def _result(group: GroupComparison, data: str) -> GroupResult:
    if group.source == "overall":
        raise ValueError("all images together are no skin-type group")
    return GroupResult(
        source=group.source,
        group=group.group,
        data=data,
        n=group.n,
        positives=group.positives,
        patients=group.patients,
        auroc=group.candidate.auroc,
        sensitivity=group.candidate.sensitivity,
        specificity=group.candidate.specificity,
        difference=group.difference,
        flips=group.flips,
        newly_missed=len(group.newly_missed),
        verdict=group.verdict,
        reason=group.reason,
    )
