"""Does a candidate miss more positives than its reference at the operating point? Areas alone cannot tell.

A shift of all scores of a group leaves its AUROC as it was and its sensitivity not.
"""

from collections.abc import Mapping
from math import comb

from evenscreen.pipeline.evidence.multiplicity import holm

ALPHA = 0.05


def p_of_no_more_misses(newly_missed: int, newly_caught: int) -> float:
    """Exact one-sided p-value of "it misses no more" (McNemar 1947): both kinds of flips equally likely.

    Raises ValueError when a count is negative.
    """
    if min(newly_missed, newly_caught) < 0:
        raise ValueError("counts of flips are not negative")
    n = newly_missed + newly_caught
    tail: int = sum(comb(n, k) for k in range(newly_missed, n + 1))
    return tail / float(2**n)


def missing_more(flips: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """Groups of `flips` (newly missed, newly caught) that miss more, by Holm over all of them, at 5 %."""
    adjusted = holm({group: p_of_no_more_misses(*counts) for group, counts in flips.items()})
    return tuple(group for group, p in adjusted.items() if p <= ALPHA)
