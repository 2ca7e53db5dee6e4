"""Who has a known outcome, and what that does to the figures.

Outcomes come mostly for flagged cases. Then sensitivity and AUROC look better and specificity worse than they
are. Two answers: worst-case bounds, which assume nothing, and figures weighted by the inverse of the verified
share of each stratum (rates: Begg and Greenes 1983; AUROC: Alonzo and Pepe 2005), which assume that
verification depends on score, group and site only.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, groupby
from typing import NamedTuple

import numpy as np

from evenscreen.pipeline.audit.figures import Row
from evenscreen.pipeline.audit.plan import METRICS, Margins, Metric
from evenscreen.pipeline.audit.result import Corrected, GroupDescription
from evenscreen.pipeline.evidence.weighted import auroc_bounds, effective, weighted_auroc

Reach = tuple[float, float] | None


class Bounds(NamedTuple):
    """The least and the greatest that each figure of a group can be; None where nobody can say."""

    sensitivity: Reach
    specificity: Reach
    auroc: Reach
    calibration: Reach


def agreement(groups: Sequence[Bounds], margins: Margins) -> dict[Metric, bool]:
    """Of each metric: can no two groups differ by the margin, whatever missing outcomes would say?"""
    return {
        metric: all(
            _near(getattr(one, metric), getattr(other, metric), getattr(margins, metric))
            for one, other in combinations(groups, 2)
        )
        for metric in METRICS
    }


def bounds(described: Sequence[GroupDescription], found: Sequence[Corrected] = ()) -> list[Bounds]:
    """Of every group that has a name: rates from its counts, areas from its scores.

    A group that is not in `found` has wider bounds of its area, from counts alone.
    """
    areas = {one.group_value: _reach(one.auroc_at_least, one.auroc_at_most) for one in found}
    return [
        Bounds(
            _reach(one.sensitivity_at_least, one.sensitivity_at_most),
            _reach(one.specificity_at_least, one.specificity_at_most),
            areas[one.group_value] if one.group_value in areas else _area(one),
            residual_bounds(one.residual, one.positives + one.negatives, _unknown(one)),
        )
        for one in described
        if one.group_value is not None
    ]


def residual_bounds(residual: float | None, known: float, unknown: float) -> Reach:
    """Of the mean of outcome minus probability, which is -1 to 1 for each of the `unknown` images."""
    if residual is None:
        return None
    share = unknown / (known + unknown)
    return (1 - share) * residual - share, (1 - share) * residual + share


def by_group(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    """Rows of audit.weighted_scores by group, in their order; unknown groups left out."""
    known = [row for row in rows if row["group_value"] is not None]
    return {name: list(own) for name, own in groupby(known, key=lambda row: str(row["group_value"]))}


def corrected(groups: Mapping[str, Sequence[Row]]) -> tuple[Corrected, ...]:
    """Per group, from rows of audit.weighted_scores, the lowest score first."""
    return tuple(_corrected(name, rows) for name, rows in groups.items())


def _corrected(name: str, rows: Sequence[Row]) -> Corrected:
    def column(of: str) -> np.ndarray:
        return np.array([row[of] for row in rows], np.float64)

    flagged = np.array([row["flagged"] for row in rows], bool)
    known = column("positives") + column("negatives")
    images = column("images")
    m, n = column("weight_of_positives"), column("weight_of_negatives")
    # Nothing stands for a side of the threshold on which nobody was verified.
    usable = all(known[side].sum() > 0 for side in (flagged, ~flagged) if side.any())
    least = auroc_bounds(column("positives"), column("negatives"), images - known)
    return Corrected(
        group_value=name,
        sensitivity=m[flagged].sum() / m.sum() if usable and m.sum() else None,
        specificity=n[~flagged].sum() / n.sum() if usable and n.sum() else None,
        auroc=weighted_auroc(m, n) if usable else None,
        effective_positives=effective(m.sum(), column("square_of_positives").sum()),
        effective_negatives=effective(n.sum(), column("square_of_negatives").sum()),
        auroc_at_least=least[0] if least else None,
        auroc_at_most=least[1] if least else None,
        unverified_share=float(1 - known.sum() / images.sum()),
    )


def _unknown(one: GroupDescription) -> int:
    return one.screened - one.positives - one.negatives


def _area(one: GroupDescription) -> Reach:
    """From counts alone, as if nothing were known of the scores of images without outcome.

    With m positives and n negatives known, u images not: if a of these are positive, mn of the
    (m + a)(n + u - a) pairs are as they were, all others as bad or as good as can be. The a that leaves the
    smallest part is what counts.
    """
    m, n, unknown = one.positives, one.negatives, _unknown(one)
    if one.auroc is None or m * n == 0:
        return None
    positive = min(max(round((n + unknown - m) / 2), 0), unknown)
    part = m * n / ((m + positive) * (n + unknown - positive))
    return one.auroc * part, 1 - (1 - one.auroc) * part


def _reach(low: float | None, high: float | None) -> Reach:
    return None if low is None or high is None else (low, high)


def _near(one: Reach, other: Reach, margin: float) -> bool:
    return one is not None and other is not None and max(one[1] - other[0], other[1] - one[0]) < margin
