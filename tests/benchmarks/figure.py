"""One line of the result: what was measured, over its rounds, beside its goal."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """A bound on the median."""

    bound: float
    side: Literal["at most", "at least", "below"]

    def met(self, value: float) -> bool:
        if self.side == "at least":
            return value >= self.bound
        return value < self.bound if self.side == "below" else value <= self.bound


@dataclass(frozen=True)
class Figure:
    """`rounds` holds one value per round in the order measured; the median speaks, min and max are shown."""

    section: str
    what: str
    unit: str
    rounds: tuple[float, ...]
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal.met(self.median)

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "median": self.median, "met": self.met}


@dataclass
class Findings:
    """What all sections together have found; a section that could not run leaves a sentence."""

    figures: list[Figure] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        section: str,
        what: str,
        unit: str,
        rounds: Sequence[float],
        goal: Goal | None = None,
        note: str = "",
    ) -> None:
        self.figures.append(Figure(section, what, unit, tuple(rounds), goal, note))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed: no interpolation."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
