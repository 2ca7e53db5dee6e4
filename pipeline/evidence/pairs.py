"""The difference of two groups from the limits of each (MOVER), for every pair of groups."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple, Protocol, TypeVar

from evenscreen.pipeline.evidence.intervals import Limits


class Estimate(NamedTuple):
    """A figure of one group; `centre` is the point that `low` and `high` were built around."""

    value: float
    centre: float
    low: float
    high: float


class Figure(Protocol):
    """What a verdict needs of a group's figure, whichever metric it is."""

    @property
    def variance(self) -> float:
        """Squared standard error, above 0, correction for patients included."""

    def limits(self, c: float) -> Estimate:
        """The figure with limits at `c` standard errors."""


class Pair(NamedTuple):
    """First group minus second, with limits."""

    first: str
    second: str
    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def within(self, margin: float) -> bool:
        return -margin < self.low and self.high < margin

    def beyond(self, margin: float) -> bool:
        return self.low > margin or self.high < -margin


AnyFigure = TypeVar("AnyFigure", bound=Figure)


def difference(first: Estimate, second: Estimate) -> Limits:
    """`first` minus `second` by the method of variance estimates recovery (Zou and Donner 2008).

    With Wilson limits this is Newcombe's (1998) hybrid score interval.
    """
    value = first.value - second.value
    below = math.hypot(first.centre - first.low, second.high - second.centre)
    above = math.hypot(first.high - first.centre, second.centre - second.low)
    return Limits(value, value - below, value + above)


def all_pairs(
    figures: Mapping[str, AnyFigure], critical: Callable[[AnyFigure, AnyFigure], float]
) -> tuple[Pair, ...]:
    """Every pair of groups in the order given, its limits at `critical(first, second)` standard errors."""
    known: dict[tuple[str, float], Estimate] = {}

    def limits(name: str, c: float) -> Estimate:
        if (name, c) not in known:
            known[name, c] = figures[name].limits(c)
        return known[name, c]

    pairs = []
    for first, second in combinations(figures, 2):
        c = critical(figures[first], figures[second])
        pairs.append(Pair(first, second, *difference(limits(first, c), limits(second, c))))
    return tuple(pairs)
