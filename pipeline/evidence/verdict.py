"""Is it even? One answer from the figures of all groups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from evenscreen.pipeline.evidence.multiplicity import tukey_critical, z
from evenscreen.pipeline.evidence.pairs import Figure, Pair, all_pairs
from evenscreen.pipeline.evidence.sequence import nightly_even, nightly_uneven

Outcome = Literal["even", "uneven", "insufficient evidence"]

DECIDING_METRICS = ("sensitivity", "specificity", "auroc")
"""Each gets a verdict at α/3. A shift of scores leaves AUROC equal and sensitivity not: so both decide."""
EVEN_ALPHA = 0.05
"""Error rate of "even". All must hold together for it, so it is not divided by anything."""


@dataclass(frozen=True)
class Verdict:
    """The answer for one metric, and what it rests on.

    `uneven`: pairs whose interval excludes 0 and whose gap exceeds the margin, an early alarm that a gap
    exists; only `beyond_margin` says whether its size is proven. `undecided`: the other pairs that are not
    shown to be within the margin, `within` those that are. `not_assessable`: registered groups that are too
    small. `largest`: the pair of the largest gap; chosen for being large, it overstates the gap, and its
    interval allows for that.
    """

    outcome: Outcome
    beyond_margin: Literal["proven", "not proven"]
    largest: Pair | None
    uneven: tuple[Pair, ...]
    undecided: tuple[Pair, ...]
    not_assessable: tuple[str, ...]
    within: tuple[Pair, ...] = ()


def verdict(
    groups: Mapping[str, Figure | None], margin: float, alpha: float = 0.05, nightly: bool = False
) -> Verdict:
    """Judge every pair of `groups`; None is a registered group that is not assessable.

    "uneven" is wrong with at most `alpha` when all groups are truly equal; "even" with at most 5 % when a
    pair truly differs by `margin` (0..1), and impossible while a registered group is not assessable. The
    correction is for the registered groups, a number that the data do not choose. `nightly` makes both true
    of a whole sequence of looks at growing data instead of a single look.

    Raises ValueError unless 0 < margin < 1 and 0 < alpha < 1.
    """
    if not (0 < margin < 1 and 0 < alpha < 1):
        raise ValueError(f"a margin of {margin} or an error rate of {alpha} is not between 0 and 1")
    present = {name: figure for name, figure in groups.items() if figure is not None}
    missing = tuple(name for name, figure in groups.items() if figure is None)
    if len(present) < 2:
        return Verdict("insufficient evidence", "not proven", None, (), (), missing)
    wide, narrow = _pairs(present, len(groups), margin, alpha, nightly)
    uneven = tuple(pair for pair in wide if pair.excludes_zero() and abs(pair.value) > margin)
    alarmed = {(pair.first, pair.second) for pair in uneven}
    undecided = tuple(
        pair for pair in narrow if not pair.within(margin) and (pair.first, pair.second) not in alarmed
    )
    outcome: Outcome = "insufficient evidence"
    if uneven:
        outcome = "uneven"
    elif not undecided and not missing:
        outcome = "even"
    return Verdict(
        outcome=outcome,
        beyond_margin="proven" if any(pair.beyond(margin) for pair in wide) else "not proven",
        largest=max(wide, key=lambda pair: abs(pair.value)),
        uneven=uneven,
        undecided=undecided,
        not_assessable=missing,
        within=tuple(
            pair for pair in narrow if pair.within(margin) and (pair.first, pair.second) not in alarmed
        ),
    )


def together(verdicts: Iterable[Verdict]) -> Outcome:
    """One outcome of several metrics: "uneven" if any is, "even" if all are and there is one."""
    outcomes = {one.outcome for one in verdicts}
    if "uneven" in outcomes:
        return "uneven"
    return "even" if outcomes == {"even"} else "insufficient evidence"


def _pairs(
    present: Mapping[str, Figure], k: int, margin: float, alpha: float, nightly: bool
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """All pairs with the limits that may call them uneven, and with those that may call them even."""
    if nightly:
        return (
            all_pairs(present, lambda a, b: nightly_uneven(a.variance + b.variance, margin, k, alpha)),
            all_pairs(present, lambda a, b: nightly_even(a.variance + b.variance, margin, EVEN_ALPHA)),
        )
    c_uneven, c_even = tukey_critical(k, alpha), z(1 - EVEN_ALPHA)
    return all_pairs(present, lambda *_: c_uneven), all_pairs(present, lambda *_: c_even)
