"""What the audit says: verdicts, gaps of all pairs, what is lacking, and how it went night by night."""

from collections.abc import Sequence

from evenscreen.infra.show.audit_markup import Node, details, figure, items, prose, table, tag
from evenscreen.infra.show.audit_words import (
    ASSUMED,
    DIMENSION_NAMES,
    METRIC_NAMES,
    NEEDS,
    NONE,
    gap_limits,
    number,
    ordered,
    outcome,
    pair_name,
    shortfalls,
    signed,
)
from evenscreen.infra.show.svg_gaps import gap_drawing, gap_rows, reach
from evenscreen.infra.show.svg_trend import Night, nightly, trend, trend_drawing
from evenscreen.pipeline.audit.plan import METRICS, Metric
from evenscreen.pipeline.audit.result import Audit, Judgement
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS

FOREST = (
    "Grey: within the margin. Diamond: uneven, with the limits that raised the alarm. Circle: undecided, "
    "with the limits that must fit into the grey for `even`. Square: shown to be within the margin, with "
    "the limits that do."
)
OF_THOSE_SEEN = " All of it is about images with an outcome: a gap among the others is not excluded."
POINTWISE = (
    "Grey: the margin of the plan, which decides nothing about this window. Limits are 95 % limits of each "
    "pair by itself."
)
PRINTED_NIGHTS = 12


def verdicts(found: Audit) -> list[Node]:
    """Of the primary grouping, whose outcome is the audit's."""
    judgement = found.judgements[0]
    plots: list[Node] = []
    high, told = reach(judgement.verdicts), FOREST if judgement.outcome else POINTWISE
    if not judgement.verified:
        told += OF_THOSE_SEEN
    for place, one in enumerate(ordered(judgement.verdicts)):
        name = METRIC_NAMES[one.metric]
        plots += [
            tag("h3", f"{name}: gaps between groups"),
            figure(gap_drawing(one, high), told if place == 0 else None),
        ]
    rows = [row for one in ordered(judgement.verdicts) for row in gap_rows(one)]
    return [
        _table(judgement),
        *_lacking(judgement),
        *plots,
        table("Every pair of groups", ("pair", "gap", "limits", "margin", "standing"), rows, words=(4,)),
    ]


def secondary(found: Audit) -> list[Node]:
    """The verdicts of the other grouping, which stand beside the audit's."""
    return [part for one in found.judgements[1:] for part in (_table(one), *_lacking(one))]


def trends(found: Audit, history: Sequence[Audit]) -> list[Node]:
    """The nightly verdict over time."""
    nights = nightly(found, history)
    if not nights:
        return [tag("p", "No nightly audit of this model by this plan is on record.")]
    parts: list[Node] = [
        tag(
            "p",
            "The largest gap of each night, the lower group subtracted, with limits that hold on all nights "
            "together. On other nights the largest gap may be that of another pair: the table names it.",
        )
    ]
    for metric in METRICS:
        if metric in DECIDING_METRICS:
            parts += _trend(trend(nights, metric), metric, float(getattr(found.subject.plan.margins, metric)))
    return parts


def _trend(nights: Sequence[Night], metric: Metric, margin: float) -> list[Node]:
    """The drawing of one metric and its nights; many nights are a table on the screen only."""
    rows = [
        (
            f"{one.at:%Y-%m-%d}",
            NONE if one.value is None else signed(one.value),
            NONE if one.low is None or one.high is None else f"{signed(one.low)} to {signed(one.high)}",
            one.pair,
            one.outcome,
        )
        for one in nights
    ]
    headings = ("night", "largest gap", "limits", "pair", "verdict")
    name = METRIC_NAMES[metric]
    told = table(f"{name}: nights as drawn", headings, rows, words=(3, 4))
    return [
        figure(
            trend_drawing(nights, metric, margin),
            f"Dashed: the margin of {number(margin)}. Limits beyond the frame are cut; the table has them.",
        ),
        told if len(nights) <= PRINTED_NIGHTS else details(f"{name}: nights as a table", told),
    ]


def _table(judgement: Judgement) -> Node:
    rows = []
    for one in ordered(judgement.verdicts):
        gap = one.largest
        rows.append(
            (
                METRIC_NAMES[one.metric],
                tag("strong", outcome(one)),
                f"±{number(one.margin)}",
                gap_limits(gap) if gap else NONE,
                pair_name(gap) if gap else NONE,
                one.beyond_margin or NONE,
                ", ".join(one.not_assessable) or "none",
            )
        )
    headings = (
        "metric",
        "verdict",
        "margin",
        "largest gap (limits)",
        "pair",
        "beyond margin",
        "not assessable",
    )
    name = DIMENSION_NAMES[judgement.grouping]
    return table(
        f"{name}s: {judgement.outcome or 'exploratory, no verdict'}", headings, rows, words=(1, 4, 5, 6)
    )


def _lacking(judgement: Judgement) -> list[Node]:
    parts: list[Node] = []
    for goal, (heading, truth) in NEEDS.items():
        lines = [
            f"{METRIC_NAMES[one.metric]}: {line}"
            for one in ordered(judgement.verdicts)
            for line in shortfalls(one, goal)
        ]
        if lines:
            parts += [prose("h3", heading), tag("p", f"{truth}: {ASSUMED}"), items(lines)]
    return parts
