"""Groups of an audit as rows: every registered one, with or without cases, then those of unknown group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

from evenscreen.infra.show.audit_words import group_name
from evenscreen.pipeline.audit.plan import GROUPS, Grouping, Metric
from evenscreen.pipeline.audit.result import Audit, Gap, GroupDescription, Interval, Line, MetricVerdict


@dataclass(frozen=True)
class Group:
    """One group: what was counted, and the intervals of those metrics for which it is assessable."""

    name: str
    described: GroupDescription | None
    """None without a single image."""
    intervals: Mapping[Metric, Interval | None]
    line: Line | None = None
    """Of its calibration; None without an outcome."""
    small: Mapping[Metric, Interval] = field(default_factory=dict)
    """Limits where it is registered and too small: no verdict rests on them."""

    def value(self, metric: Metric) -> float | None:
        """The figure, from few cases as well."""
        interval = self.intervals.get(metric) or self.small.get(metric)
        if interval is not None:
            return interval.value
        column = "residual" if metric == "calibration" else metric
        return getattr(self.described, column) if self.described else None

    def too_small(self, metric: Metric) -> bool:
        """Whether the group is registered but has too few cases for a verdict to rest on this figure."""
        return metric in self.intervals and self.intervals[metric] is None and self.value(metric) is not None


def registered(found: Audit, grouping: Grouping) -> list[Group]:
    """The groups that the plan registers, in order; then images whose group is not known, if any."""
    described = {group_name(one.group_value, grouping): one for one in found.description.get(grouping, ())}
    verdicts = next((one.verdicts for one in found.judgements if one.grouping == grouping), ())
    lines = {one.group_value: one for one in found.calibration_lines.get(grouping, ())}
    rows = [
        Group(
            name,
            described.get(name),
            {one.metric: one.figures.get(name) for one in verdicts},
            lines.get(name),
            {one.metric: one.small[name] for one in verdicts if name in one.small},
        )
        for name in GROUPS[grouping]
    ]
    return rows + [Group(name, one, {}) for name, one in described.items() if name not in GROUPS[grouping]]


NO_VERDICT = "no verdict"
"""Of a pair in a window that no plan registered."""


@dataclass(frozen=True)
class PairRow:
    """One pair of registered groups and how far its gap is known; None where there is no figure or limit."""

    first: str
    second: str
    value: float | None
    low: float | None
    high: float | None
    standing: str


def pairs(found: MetricVerdict) -> list[PairRow]:
    """Every pair of groups, in order, with the limits that its standing rests on."""
    known = {
        (gap.first, gap.second): (gap, standing)
        for gaps, standing in (
            (found.undecided, "undecided" if found.outcome else NO_VERDICT),
            (found.uneven, "uneven"),
            (found.within, "within the margin"),
        )
        for gap in gaps
    }
    return [_pair(found, *names, known.get(names)) for names in combinations(found.figures, 2)]


def _pair(found: MetricVerdict, first: str, second: str, known: tuple[Gap, str] | None) -> PairRow:
    if known:
        gap, standing = known
        return PairRow(first, second, gap.value, gap.low, gap.high, standing)
    small = [name for name in (first, second) if found.figures[name] is None]
    return PairRow(first, second, None, None, None, f"not assessable: {', '.join(small)}")
