"""From the figures of all groups to verdicts, and to what is still missing for one."""

from collections.abc import Mapping
from dataclasses import dataclass

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.audit.missing import Case, missing
from evenscreen.pipeline.audit.plan import Grouping, Metric, Plan
from evenscreen.pipeline.evidence.auroc import Area, shrink
from evenscreen.pipeline.evidence.calibration import Residual
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.pairs import Figure, all_pairs
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.shortfall import Goal, Shortfall, target_error
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS, Outcome, Verdict, together, verdict

POINTWISE = 0.05
"""Of limits in a window that no plan registered."""


@dataclass(frozen=True)
class Judged:
    """The verdict on one metric over the groups of one grouping."""

    metric: Metric
    margin: float
    alpha: float
    figures: Mapping[str, Figure | None]
    """Of assessable groups; None for the others that are registered."""
    small: Mapping[str, Rate]
    """Rates of registered groups that are not assessable: nothing rests on them."""
    verdict: Verdict
    missing: Mapping[Goal, Mapping[str, Mapping[Case, Shortfall]]]
    """By group in question and kind of case: what `even` would still need if there is no gap, and `uneven`,
    where it is not said yet, if a gap is twice the margin."""


def judge(
    groups: Mapping[str, GroupFigures], grouping: Grouping, plan: Plan, *, nightly: bool
) -> list[Judged]:
    """Every metric of `plan`, deciding ones first, over all groups registered for `grouping`.

    `nightly` is the verdict that holds at any night since the release; otherwise that of one quarter.
    """
    alpha = plan.alpha if nightly else plan.drift_alpha
    areas = shrink({name: one.auroc for name, one in groups.items() if one.auroc is not None})
    judged = []
    for metric in plan.metrics:
        figures = {
            name: _figure(metric, groups.get(name), areas.get(name))
            for name in getattr(plan.groups, grouping)
        }
        margin = float(getattr(plan.margins, metric))
        share = alpha / len(DECIDING_METRICS) if metric in DECIDING_METRICS else alpha
        found = verdict(figures, margin, share, nightly)
        questioned = {name for pair in found.undecided for name in (pair.first, pair.second)}
        asked = [name for name in figures if name in questioned or name in found.not_assessable]
        goals: tuple[Goal, ...] = ("even",) if found.uneven else ("even", "uneven")
        targets = {goal: target_error(goal, margin, len(figures), share, nightly) for goal in goals}
        lacks = {
            goal: {name: missing(metric, groups, areas, name, target) for name in asked}
            for goal, target in targets.items()
        }
        judged.append(Judged(metric, margin, share, figures, _small(metric, groups, figures), found, lacks))
    return judged


def explore(groups: Mapping[str, GroupFigures], grouping: Grouping, plan: Plan) -> list[Judged]:
    """Every metric of `plan` in a window that it did not register: gaps with 95 % limits, and no verdict.

    Limits are pointwise, of each pair by itself: the window was chosen after a look, so no error rate of the
    whole could be kept, and limits that pretend to keep one would say more than is known.
    """
    areas = shrink({name: one.auroc for name, one in groups.items() if one.auroc is not None})
    judged = []
    for metric in plan.metrics:
        figures = {
            name: _figure(metric, groups.get(name), areas.get(name))
            for name in getattr(plan.groups, grouping)
        }
        present = {name: figure for name, figure in figures.items() if figure is not None}
        pairs = all_pairs(present, lambda *_: z(0.975))
        found = Verdict(
            outcome="insufficient evidence",
            beyond_margin="not proven",
            largest=max(pairs, key=lambda pair: abs(pair.value), default=None),
            uneven=(),
            undecided=pairs,
            not_assessable=tuple(name for name, figure in figures.items() if figure is None),
        )
        small, margin = _small(metric, groups, figures), float(getattr(plan.margins, metric))
        judged.append(Judged(metric, margin, POINTWISE, figures, small, found, {}))
    return judged


def overall(judged: list[Judged]) -> Outcome:
    """Of all deciding metrics: `even` only if every one is. Calibration has a verdict of its own."""
    return together(one.verdict for one in judged if one.metric in DECIDING_METRICS)


def _small(
    metric: Metric, groups: Mapping[str, GroupFigures], figures: Mapping[str, Figure | None]
) -> dict[str, Rate]:
    """Where limits help most: Wilson's hold for a handful of cases as well. Those of areas do not."""
    if metric not in ("sensitivity", "specificity"):
        return {}
    own = {
        name: getattr(groups[name], metric) for name in figures if name in groups and figures[name] is None
    }
    return {name: rate for name, rate in own.items() if rate is not None}


def _figure(metric: Metric, group: GroupFigures | None, area: Area | None) -> Figure | None:
    """The group's figure if it is assessable."""
    if group is None:
        return None
    if metric == "auroc":
        return area if area is not None and area.components.assessable else None
    own: Rate | Residual | None = getattr(group, metric)
    return own if own is not None and own.assessable else None
