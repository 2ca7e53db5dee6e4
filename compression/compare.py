"""Parent and candidate on the same images: figures per group, verdicts, promotion. Arithmetic only.

It takes scores and flags, so rows of a database do as well as images: compare_folders.py has the images.
"""

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import numpy.typing as npt

from evenscreen.compression.cases import Answers, Cases, Evidence
from evenscreen.compression.comparison import (
    CalibrationError,
    Comparison,
    Figures,
    Footprint,
    GroupComparison,
    Source,
)
from evenscreen.compression.gap import tone_gap
from evenscreen.pipeline.decide import FULL_SCORE
from evenscreen.pipeline.evidence.auroc import ASSESSABLE_CASES, area_components, is_assessable, shrink
from evenscreen.pipeline.evidence.calibration import binned_calibration, calibration_bins
from evenscreen.pipeline.evidence.intervals import Z95, delong_interval
from evenscreen.pipeline.evidence.misses import missing_more
from evenscreen.pipeline.evidence.paired import (
    PairedDifference,
    PairedVerdict,
    flips,
    paired_difference,
    paired_verdicts,
    promotion,
)
from evenscreen.pipeline.evidence.rates import Rate, rate
from evenscreen.schemas.manifest import Difference, Interval

MARGIN = 0.01
"""Loss of AUROC that still counts as "no worse"."""


def compare(
    parent: Footprint,
    candidate: Footprint,
    evidence: Evidence,
    compared_on: date,
    margin: float = MARGIN,
    signed_by: str | None = None,
) -> Comparison:
    """Compare by paired DeLong per group and decide promotion by the rule of `evidence.paired.promotion`.

    Beyond that rule, a candidate that misses more malignant images than its parent at its own threshold,
    overall or on a simulated tone, is refused (`evidence.misses`): a threshold that does not fit darker skin
    leaves the area as it was.

    "Worse" is corrected by Holm within each of four families: all images, six simulated tones, three
    reported ranges, six reported types. Over all four a candidate that loses nothing anywhere may be called
    worse somewhere more often than 5 % (at most 20 %): that errs towards refusing it, the safe side.

    Every group of `evidence` is in the answer whatever its size. Raises ValueError unless 0 < margin < 1, and
    when there is no image at all.
    """
    if evidence.overall.n == 0:
        raise ValueError("there is no image to compare on")
    (overall,) = _judged("overall", {"all": evidence.overall}, margin)
    simulated = _judged("simulated", evidence.simulated, margin)
    ranges = _judged("reported", evidence.reported, margin)
    types = _judged("reported", evidence.reported_types, margin)
    worse_types = [one for one in types if one.verdict == "worse"]
    decided = promotion(overall.verdict, _verdicts(simulated), _verdicts([*ranges, *worse_types]), signed_by)
    misses = _misses((overall, *simulated))
    return Comparison(
        compared_on=compared_on,
        parent=parent,
        candidate=candidate,
        split=evidence.split,
        margin=margin,
        overall=overall,
        parent_calibration=_calibration(evidence.overall.parent, evidence.overall),
        candidate_calibration=_calibration(evidence.overall.candidate, evidence.overall),
        simulated=simulated,
        gap=tone_gap(evidence.simulated),
        reported_data=evidence.reported_data,
        reported=ranges,
        reported_types=types,
        promotable=decided.promotable and not misses,
        reasons=(*misses, *decided.reasons),
        unassessed=decided.unassessed,
        signed_by=(signed_by or "").strip() or None,
    )


def _judged(source: Source, groups: Mapping[str, Cases], margin: float) -> tuple[GroupComparison, ...]:
    differences = {name: _difference(cases) for name, cases in groups.items()}
    verdicts = paired_verdicts(differences, margin)
    parents, candidates = _areas(groups, lambda c: c.parent), _areas(groups, lambda c: c.candidate)
    judged = []
    for name, cases in groups.items():
        paired, verdict = differences[name], verdicts[name]
        changed = flips(cases.parent.flagged, cases.candidate.flagged, cases.malignant) if cases.n else None
        judged.append(
            GroupComparison(
                source=source,
                group=name,
                n=cases.n,
                positives=cases.positives,
                patients=None if cases.patients is None else cases.people,
                parent=_figures(parents[name], cases.parent, cases),
                candidate=_figures(candidates[name], cases.candidate, cases),
                difference=Difference(value=paired.value, low=paired.low, high=paired.high)
                if paired
                else None,
                verdict=verdict,
                reason=_shortcoming(cases, paired, verdict, margin),
                flipped=changed.flips if changed else 0,
                flips=_share(cases.parent.flagged != cases.candidate.flagged, cases.patients),
                newly_missed=_positions(cases, changed.newly_missed if changed else ()),
                newly_caught=_positions(cases, changed.newly_caught if changed else ()),
            )
        )
    return tuple(judged)


def _difference(cases: Cases) -> PairedDifference | None:
    if not cases.rankable:
        return None
    return paired_difference(cases.parent.scores, cases.candidate.scores, cases.malignant, cases.patients)


def _areas(groups: Mapping[str, Cases], of: Callable[[Cases], Answers]) -> dict[str, Interval | None]:
    """AUROC per group: DeLong's limits, or shrunk and clustered ones where patients are known."""
    found: dict[str, Interval | None] = dict.fromkeys(groups)
    clustered = {}
    for name, cases in groups.items():
        if not cases.rankable:
            continue
        if cases.patients is None:
            value, low, high = delong_interval(of(cases).scores, cases.malignant)
            found[name] = Interval(value=value, low=low, high=high, method="delong")
        else:
            clustered[name] = area_components(of(cases).scores, cases.malignant, cases.patients)
    for name, area in shrink(clustered).items():
        limits = area.limits(Z95)
        found[name] = Interval(value=limits.value, low=limits.low, high=limits.high, method="delong")
    return found


def _figures(area: Interval | None, answers: Answers, cases: Cases) -> Figures:
    malignant, patients = cases.malignant, cases.patients
    ill, well = (None if patients is None else patients[of] for of in (malignant, ~malignant))
    return Figures(
        auroc=area,
        sensitivity=_share(answers.flagged[malignant], ill),
        specificity=_share(~answers.flagged[~malignant], well),
    )


def _share(outcomes: npt.NDArray[np.bool_], patients: npt.NDArray[np.str_] | None) -> Interval | None:
    if not outcomes.size:
        return None
    one_patient = patients is not None and len(np.unique(patients)) == 1
    # Images of one patient tell as much as one image.
    share = (
        Rate(int(outcomes.sum()), outcomes.size, outcomes.size) if one_patient else rate(outcomes, patients)
    )
    limits = share.limits(Z95)
    return Interval(value=limits.value, low=limits.low, high=limits.high, method="wilson")


def _shortcoming(
    cases: Cases, paired: PairedDifference | None, verdict: PairedVerdict, margin: float
) -> str | None:
    """Why there is no verdict, so that a reader knows whether more images would help."""
    if verdict != "insufficient evidence":
        return None
    counts = f"{cases.positives} malignant and {cases.negatives} benign images"
    if paired is None:
        return f"no AUROC from {counts}"
    if not is_assessable(cases.positives, cases.negatives):
        return f"{counts}, a verdict needs {ASSESSABLE_CASES} of each"
    return f"the loss may be {-paired.low:.3f}, which a margin of {margin:.3f} does not allow"


def _misses(groups: tuple[GroupComparison, ...]) -> tuple[str, ...]:
    """A sentence for every group in which the candidate misses more; each image is a lesion of its own."""
    counts = {one.group: (len(one.newly_missed), len(one.newly_caught)) for one in groups}
    return tuple(
        f"{'Overall' if group == 'all' else f'On simulated tone {group}'} the candidate misses more "
        f"malignant images than its parent: {counts[group][0]} newly, {counts[group][1]} newly caught."
        for group in missing_more(counts)
    )


def _positions(cases: Cases, rows: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(cases.positions[row]) for row in rows)


def _calibration(answers: Answers, cases: Cases) -> CalibrationError:
    binned = binned_calibration(calibration_bins(answers.scores / FULL_SCORE, cases.malignant))
    return CalibrationError(ece=binned.ece, floor=binned.floor)


def _verdicts(groups: tuple[GroupComparison, ...] | list[GroupComparison]) -> dict[str, PairedVerdict]:
    return {one.group: one.verdict for one in groups}
