"""How many more cases an undecided verdict needs, so that waiting has an end or is known to have none."""

import math
from functools import lru_cache
from typing import Literal, NamedTuple

from evenscreen.pipeline.evidence.auroc import Area
from evenscreen.pipeline.evidence.multiplicity import tukey_critical, z
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.sequence import nightly_even, nightly_uneven
from evenscreen.pipeline.evidence.verdict import EVEN_ALPHA

Goal = Literal["even", "uneven"]


class Shortfall(NamedTuple):
    """Cases that one class of a group needs in all, and still; `months` at the present rate, None = never."""

    needed: int
    more: int
    months: float | None


@lru_cache(maxsize=256)
def target_error(goal: Goal, margin: float, k: int, alpha: float = 0.05, nightly: bool = False) -> float:
    """Standard error of a pair's difference that decides it with 95 % power.

    "even" assumes a true gap of 0, "uneven" one of twice the margin; close to the margin itself no number of
    cases decides. Single look: δ/(c_k + 1.645) and 2δ/(c_k + 1.645). Nightly: 1.645 gives way to c_even in
    the first and c_k to c_uneven in the second, both at the very error they lead to.
    """
    c_k, c_one = tukey_critical(k, alpha), z(1 - EVEN_ALPHA)
    gap = margin if goal == "even" else 2 * margin
    if not nightly:
        return gap / (c_k + c_one)
    low, high = 0.0, gap
    for _ in range(60):
        error = (low + high) / 2
        if goal == "even":
            reach = c_k + nightly_even(error**2, margin, EVEN_ALPHA)
        else:
            reach = nightly_uneven(error**2, margin, k, alpha) + c_one
        low, high = (error, high) if reach * error < gap else (low, error)
    return low


def area_shortfall(
    area: Area, target: float, positives_per_month: float, negatives_per_month: float
) -> tuple[Shortfall, Shortfall]:
    """Positives and negatives that bring a pair of groups like this one to `target`, at the ratio observed.

    m* = ⌈2D(S10* + S01*/ρ)/target²⌉ and n* = ⌈ρ m*⌉, with ρ the negatives per positive.
    """
    own = area.components
    ratio = own.negatives / own.positives
    needed = math.ceil(2 * own.design_effect * (area.s10 + area.s01 / ratio) / target**2)
    return (
        still(needed, own.positives, positives_per_month),
        still(math.ceil(ratio * needed), own.negatives, negatives_per_month),
    )


def rate_shortfall(rate: Rate, target: float, cases_per_month: float) -> Shortfall:
    """Cases of the denominator: ⌈2D·p̃(1 - p̃)/target²⌉."""
    needed = math.ceil(2 * rate.design_effect * rate.centre * (1 - rate.centre) / target**2)
    return still(needed, rate.n, cases_per_month)


def still(needed: int, present: int, per_month: float) -> Shortfall:
    """What is missing of `needed` cases, and how long it takes if `per_month` come."""
    more = max(0, needed - present)
    if more == 0:
        return Shortfall(needed, 0, 0.0)
    return Shortfall(needed, more, more / per_month if per_month > 0 else None)
