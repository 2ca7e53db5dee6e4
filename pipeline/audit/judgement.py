"""From verdicts of the evidence package to what an audit says of them: no word that it has no right to."""

from collections.abc import Mapping, Sequence

from evenscreen.pipeline.audit.judge import Judged, overall
from evenscreen.pipeline.audit.plan import Grouping, Metric
from evenscreen.pipeline.audit.result import Gap, Interval, Judgement, Kind, Lacking, MetricVerdict, Said, say
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.pairs import Figure, Pair
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS, Outcome


def judgement(
    judged: Sequence[Judged],
    grouping: Grouping,
    kind: Kind,
    *,
    verified: Mapping[Metric, bool],
    complete: bool,
) -> Judgement:
    """All metrics of `grouping` and its outcome, each lowered by `say`; no outcome where nothing is decided.

    `verified`: missing outcomes cannot hide a gap of the metric. `complete`: no image is missing.
    """
    all_verified = all(verified[one.metric] for one in judged if one.metric in DECIDING_METRICS)

    def said(outcome: Outcome, verified: bool) -> Said | None:
        return None if kind == "exploratory" else say(outcome, verified=verified, complete=complete)

    return Judgement(
        grouping=grouping,
        outcome=said(overall(list(judged)), all_verified),
        verified=all_verified,
        verdicts=tuple(
            _verdict(one, kind, said(one.verdict.outcome, verified[one.metric]), verified[one.metric])
            for one in judged
        ),
    )


def _verdict(one: Judged, kind: Kind, said: Said | None, verified: bool) -> MetricVerdict:
    found = one.verdict
    return MetricVerdict(
        metric=one.metric,
        margin=one.margin,
        alpha=one.alpha,
        outcome=said,
        verified=verified,
        beyond_margin=None if kind == "exploratory" else found.beyond_margin,
        figures={name: figure and interval(figure) for name, figure in one.figures.items()},
        small={name: interval(figure) for name, figure in one.small.items()},
        largest=_gap(found.largest) if found.largest else None,
        uneven=tuple(map(_gap, found.uneven)),
        undecided=tuple(map(_gap, found.undecided)),
        within=tuple(map(_gap, found.within)),
        not_assessable=found.not_assessable,
        lacking=tuple(
            Lacking(
                goal=goal, group=group, case=case, needed=short.needed, more=short.more, months=short.months
            )
            for goal, groups in one.missing.items()
            for group, cases in groups.items()
            for case, short in cases.items()
        ),
    )


def interval(figure: Figure) -> Interval:
    """Pointwise: what one looks at for this group alone."""
    estimate = figure.limits(z(0.975))
    return Interval(value=estimate.value, low=estimate.low, high=estimate.high)


def _gap(pair: Pair) -> Gap:
    return Gap(**pair._asdict())
