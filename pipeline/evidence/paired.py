"""Two models on the same images: is the candidate no worse than its reference, and for whom?

The steps: rows -> `paired_difference` per group -> `paired_verdicts` over groups -> `promotion`.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evenscreen.pipeline.evidence.auroc import is_assessable as is_assessable
from evenscreen.pipeline.evidence.clusters import clustered_variance
from evenscreen.pipeline.evidence.intervals import Limits, placements, wilson_interval
from evenscreen.pipeline.evidence.multiplicity import holm, p_above, z

ALPHA = 0.05
"""Error rate of each one-sided statement: "no worse" of one group, "worse" of any."""

PairedVerdict = Literal["no worse", "worse", "insufficient evidence"]


class PairedDifference(NamedTuple):
    """AUROC of a candidate minus that of its reference on the same images, with one-sided 95 % bounds."""

    reference: float
    candidate: float
    value: float
    standard_error: float
    low: float
    high: float
    n: int
    positives: int
    negatives: int


class Flips(NamedTuple):
    """Images that one model flags and the other does not; `newly_*` are row numbers of positives."""

    n: int
    flips: int
    share: Limits
    newly_missed: tuple[int, ...]
    newly_caught: tuple[int, ...]


class Promotion(NamedTuple):
    """Whether a candidate may replace its reference, why (sentences), and the groups without evidence."""

    promotable: bool
    reasons: tuple[str, ...]
    unassessed: tuple[str, ...]


def paired_difference(
    reference_scores: npt.ArrayLike,
    candidate_scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
) -> PairedDifference:
    """Compare two models' scores [n] of the same rows; `labels` [n] (1 = positive), `clusters` [n] patients.

    DeLong, DeLong, Clarke-Pearson (1988): the variance of the difference is that of the differences of
    placements. With patients it is the larger of this and the clustered one (Obuchowski 1997), as nothing
    proves that images of one patient tell more than images of several.

    Raises ValueError when lengths differ, a score is not finite, a label is neither 0 nor 1, or a class has
    fewer than two members.
    """
    reference, candidate = (placements(scores, labels) for scores in (reference_scores, candidate_scores))
    positive, negative = candidate[0] - reference[0], candidate[1] - reference[1]
    m, n = positive.size, negative.size
    value = float(positive.mean())
    variance = float(positive.var(ddof=1) / m + negative.var(ddof=1) / n)
    if clusters is not None:
        influence, is_positive = np.empty(m + n), np.asarray(labels) == 1
        influence[is_positive] = (positive - value) / m
        influence[~is_positive] = (negative - value) / n
        variance = max(variance, clustered_variance(influence, clusters))
    error = math.sqrt(variance)
    reach = z(1 - ALPHA) * error
    return PairedDifference(
        reference=float(reference[0].mean()),
        candidate=float(candidate[0].mean()),
        value=value,
        standard_error=error,
        low=max(value - reach, -1.0),
        high=min(value + reach, 1.0),
        n=m + n,
        positives=m,
        negatives=n,
    )


def flips(reference_flagged: npt.ArrayLike, candidate_flagged: npt.ArrayLike, labels: npt.ArrayLike) -> Flips:
    """Count decisions [n] (bool) that change from reference to candidate, with Wilson's 95 % limits.

    Raises ValueError when lengths differ, a value is neither 0 nor 1, or there is no row.
    """
    before, after, positive = (_booleans(x) for x in (reference_flagged, candidate_flagged, labels))
    if not before.shape == after.shape == positive.shape:
        raise ValueError("both models' flags and the labels must be vectors of one length")
    changed = int((before != after).sum())
    return Flips(
        n=before.size,
        flips=changed,
        share=wilson_interval(changed, before.size),
        newly_missed=tuple(np.flatnonzero(positive & before & ~after).tolist()),
        newly_caught=tuple(np.flatnonzero(positive & ~before & after).tolist()),
    )


def paired_verdicts(
    differences: Mapping[str, PairedDifference | None], margin: float
) -> dict[str, PairedVerdict]:
    """One verdict per group; None is a group that is there but has no difference to compute.

    "no worse": the group is assessable and its lower bound is above -margin. A candidate that truly loses the
    margin gets it with about 5 %, per group; the normal bound is too kind to small groups of a good model: in
    simulations 5-8 % from 100 positives and 400 negatives on (9 % at an AUROC of .98), 5-9 % at 30 and 30 up
    to .91, 10-15 % at 30 and .95-.98.

    "worse": otherwise, when a loss of any size (a difference below 0) is proven, by Holm over the assessable
    groups; a candidate that truly loses nothing anywhere gets it in any group with at most 5 %. So "worse"
    means that a loss is certain and not shown to be within the margin, not that it exceeds the margin. All
    else is "insufficient evidence", and so is every group that is not assessable.

    Raises ValueError unless 0 < margin < 1.
    """
    if not 0 < margin < 1:
        raise ValueError(f"a margin of {margin} is not between 0 and 1")
    assessed = {
        name: one
        for name, one in differences.items()
        if one is not None and is_assessable(one.positives, one.negatives)
    }
    adjusted = holm({name: _p_of_no_loss(one) for name, one in assessed.items()})
    verdicts: dict[str, PairedVerdict] = dict.fromkeys(differences, "insufficient evidence")
    for name, one in assessed.items():
        if one.low > -margin:
            verdicts[name] = "no worse"
        elif adjusted[name] <= ALPHA:
            verdicts[name] = "worse"
    return verdicts


def promotion(
    overall: PairedVerdict,
    simulated: Mapping[str, PairedVerdict],
    reported: Mapping[str, PairedVerdict],
    signed_by: str | None,
) -> Promotion:
    """Decide from the verdicts overall, per simulated tone and per group of reported skin type.

    Blocked by "worse" anywhere, and by anything but "no worse" overall or on a simulated tone; no signature
    lifts that. Reported groups without evidence block it too, unless the person `signed_by` answers for them.
    Nothing compared is nothing shown: an empty `simulated` blocks, an empty `reported` needs the signature.
    """
    unassessed = tuple(name for name, one in reported.items() if one == "insufficient evidence")
    blocks = []
    if overall == "insufficient evidence":
        blocks.append("Overall the evidence is insufficient.")
    if overall == "worse":
        blocks.append("Overall the candidate is worse than its reference.")
    if not simulated:
        blocks.append("No simulated tone was compared.")
    for name, one in simulated.items():
        if one == "worse":
            blocks.append(f"On simulated tone {name} the candidate is worse than its reference.")
        elif one == "insufficient evidence":
            blocks.append(f"On simulated tone {name} the evidence is insufficient.")
    blocks += [
        f"In reported group {name} the candidate is worse than its reference."
        for name, one in reported.items()
        if one == "worse"
    ]
    open_question = _open_question(unassessed, bool(reported))
    signer = (signed_by or "").strip()
    if open_question and not signer:
        blocks.append(f"{open_question} A named person must sign for that.")
    signature = (f"{open_question} {signer} signed for that.",) if open_question and signer else ()
    return Promotion(not blocks, (*blocks, *signature), unassessed)


def _open_question(unassessed: tuple[str, ...], any_reported: bool) -> str:
    if not any_reported:
        return "No group of reported skin type was compared."
    if unassessed:
        return f"The evidence is insufficient in reported groups {', '.join(unassessed)}."
    return ""


def _p_of_no_loss(one: PairedDifference) -> float:
    """One-sided p-value of "the difference is 0 or more"."""
    if one.standard_error == 0:
        return 0.0 if one.value < 0 else 1.0
    return p_above(-one.value / one.standard_error)


def _booleans(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    given = np.asarray(values)
    if given.ndim != 1 or not np.isin(given, (0, 1)).all():
        raise ValueError("flags and labels must be vectors of 0 and 1")
    flags: npt.NDArray[np.bool_] = given == 1
    return flags
