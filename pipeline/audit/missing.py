"""How many more cases a group needs before "even" or "uneven" can be said of it.

Assumes 95 % power and new cases like those seen; for "even" no gap, for "uneven" one of twice the margin.
A group that is too small to say how its cases vary is taken to vary as all groups together do.
"""

import math
from collections.abc import Mapping
from typing import Literal

from evenscreen.pipeline.audit.group_figures import NOBODY, GroupFigures
from evenscreen.pipeline.audit.plan import Metric
from evenscreen.pipeline.evidence.auroc import Area
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.shortfall import Shortfall, area_shortfall, rate_shortfall, still

Case = Literal["positives", "negatives", "cases"]


def missing(
    metric: Metric, groups: Mapping[str, GroupFigures], areas: Mapping[str, Area], name: str, target: float
) -> dict[Case, Shortfall]:
    """Cases of each kind that bring a pair with group `name` to a standard error of `target`.

    `areas` are those of all groups that have one. Empty when no group says anything about the metric yet.
    """
    own = groups.get(name, NOBODY)
    match metric:
        case "auroc":
            return _for_area(own, areas, name, target)
        case "calibration":
            return _for_residual(own, groups, target)
        case "sensitivity":
            needed = _for_rate([one.sensitivity for one in groups.values()], own.sensitivity, target)
            present = own.sensitivity.n if own.sensitivity else 0
            return {"positives": still(needed, present, own.positives_per_month)} if needed else {}
        case "specificity":
            needed = _for_rate([one.specificity for one in groups.values()], own.specificity, target)
            present = own.specificity.n if own.specificity else 0
            return {"negatives": still(needed, present, own.negatives_per_month)} if needed else {}


def _for_area(
    own: GroupFigures, areas: Mapping[str, Area], name: str, target: float
) -> dict[Case, Shortfall]:
    if not areas:
        return {}
    typical = max(areas.values(), key=lambda area: area.components.positives + area.components.negatives)
    needed = [one.needed for one in area_shortfall(areas.get(name, typical), target, 0, 0)]
    present = (own.auroc.positives, own.auroc.negatives) if own.auroc else (0, 0)
    return {
        "positives": still(needed[0], present[0], own.positives_per_month),
        "negatives": still(needed[1], present[1], own.negatives_per_month),
    }


def _for_rate(all_of_them: list[Rate | None], own: Rate | None, target: float) -> int:
    """The denominator that is needed; 0 when no group has one."""
    known = [one for one in all_of_them if one is not None]
    if not known:
        return 0
    if own is None or not own.assessable:
        own = Rate(
            sum(one.successes for one in known),
            sum(one.n for one in known),
            max(one.design_effect for one in known),
        )
    return rate_shortfall(own, target, 0).needed


def _for_residual(
    own: GroupFigures, groups: Mapping[str, GroupFigures], target: float
) -> dict[Case, Shortfall]:
    known = [one.calibration for one in groups.values() if one.calibration is not None]
    if not known:
        return {}
    like = own.calibration
    if like is None or not like.assessable:
        like = max(known, key=lambda one: one.n)
    needed = math.ceil(2 * like.variance * like.n / target**2)
    present = own.calibration.n if own.calibration else 0
    return {"cases": still(needed, present, own.positives_per_month + own.negatives_per_month)}
