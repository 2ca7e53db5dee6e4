"""The steady middle of a run: what lies between 10 % and 90 % of its images."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

FROM, TO = 0.1, 0.9


@dataclass(frozen=True)
class Steady:
    """Images per second and CPU milliseconds per image in the steady middle."""

    per_s: float
    cpu_ms: float
    others_cpu_ms: dict[str, float] = field(default_factory=dict)
    """The same for the servers beside, by name."""


@dataclass
class CpuTrace:
    """CPU seconds used so far (user and system) at points in time, seconds since 1970."""

    times: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def between(self, begin: float, end: float) -> float:
        """CPU seconds used from `begin` to `end`, linear between two samples."""
        low, high = np.interp([begin, end], self.times, self.cpu_s)
        return float(high - low)


def window(times: Sequence[float]) -> tuple[float, float, int]:
    """Begin and end of the steady middle of `times`, one per image, and how many images ended in it."""
    ordered = sorted(times)
    first, last = int(FROM * len(ordered)), int(TO * len(ordered)) - 1
    return ordered[first], ordered[last], last - first


def steady(times: Sequence[float], cpu: CpuTrace, others: dict[str, CpuTrace]) -> Steady:
    """Figures of a run whose images ended at `times`."""
    begin, end, images = window(times)
    return Steady(
        images / (end - begin),
        1000 * cpu.between(begin, end) / images,
        {name: 1000 * trace.between(begin, end) / images for name, trace in others.items()},
    )
