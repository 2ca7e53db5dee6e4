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
from evenscreen.pipeline.audit.plan import Margins
from evenscreen.pipeline.audit.result import Corrected, GroupDescription
from evenscreen.pipeline.evidence.weighted import auroc_bounds, effective, weighted_auroc

Reach = tuple[float, float] | None


class Bounds(NamedTuple):
    """The least and the greatest that each deciding figure of a group can be; None where nobody can say."""

    sensitivity: Reach
    specificity: Reach
    auroc: Reach


def bounds_agree(groups: Iterable[Bounds], margins: Margins) -> bool:
    """Whether no two groups can differ by the margin in any figure, whatever missing outcomes would say."""
    return all(
        _near(getattr(one, metric), getattr(other, metric), getattr(margins, metric))
        for one, other in combinations(groups, 2)
        for metric in Bounds._fields
    )


def bounds(described: Sequence[GroupDescription], found: Sequence[Corrected]) -> list[Bounds]:
    """Of every group that has a name, from its counts and from its scores."""
    areas = {one.group_value: (one.auroc_at_least, one.auroc_at_most) for one in found}
    return [
        Bounds(
            _reach(one.sensitivity_at_least, one.sensitivity_at_most),
            _reach(one.specificity_at_least, one.specificity_at_most),
            _reach(*areas.get(one.group_value, (None, None))),
        )
        for one in described
        if one.group_value is not None
    ]


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


def _reach(low: float | None, high: float | None) -> Reach:
    return None if low is None or high is None else (low, high)


def _near(one: Reach, other: Reach, margin: float) -> bool:
    return one is not None and other is not None and max(one[1] - other[0], other[1] - one[0]) < margin
