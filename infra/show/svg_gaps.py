"""Every pair's gap with its limits against the margins: one forest plot per metric."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_groups import NO_VERDICT, PairRow, pairs
from evenscreen.infra.show.audit_words import METRIC_NAMES, NONE, number, signed
from evenscreen.infra.show.svg import (
    FAINT,
    INK,
    Look,
    Scale,
    area,
    drawing,
    horizontal_axis,
    label,
    line,
    mark,
    steps,
)
from evenscreen.pipeline.audit.result import MetricVerdict

ROW = 24.0
LEFT, RIGHT = 130.0, 385.0
LOOKS = {
    "uneven": Look("#d55e00", None, "diamond"),
    "undecided": Look(INK, None, "circle"),
    NO_VERDICT: Look(INK, None, "circle"),
    "within the margin": Look("#0072b2", None, "square"),
}


def reach(verdicts: Sequence[MetricVerdict]) -> float:
    """Half the width of the axis that all plots share."""
    seen = [
        abs(value)
        for one in verdicts
        for row in pairs(one)
        for value in (row.low, row.high, row.value)
        if value
    ]
    most = max([*seen, *(1.5 * one.margin for one in verdicts)], default=0.1)
    return min(1.0, most * 1.05)


def gap_drawing(found: MetricVerdict, high: float) -> Element:
    rows = pairs(found)
    x, bottom = Scale(-high, high, LEFT, RIGHT), 22 + ROW * len(rows)
    edges = x(-found.margin), x(found.margin)
    parts = [
        area([(edges[0], 14), (edges[1], 14), (edges[1], bottom), (edges[0], bottom)], "#eeeeee"),
        *(line(edge, 14, edge, bottom, FAINT, 1.5, "5 3") for edge in edges),
        line(x(0), 14, x(0), bottom, FAINT),
        *horizontal_axis(x, bottom, steps(high), "{:g}"),
    ]
    for place, row in enumerate(rows):
        y = 14 + ROW * (place + 0.6)
        parts += [label(0, y + 4, f"{row.first} minus {row.second}"), label(RIGHT + 14, y + 4, _said(row))]
        parts += _pair(row, x, y)
    name = METRIC_NAMES[found.metric]
    return drawing(
        f"gaps-{found.metric}",
        f"{name}: gap of every pair of groups",
        f"Margin {number(found.margin)} on either side of zero. "
        + "; ".join(f"{row.first} minus {row.second}: {_said(row)}" for row in rows)
        + ".",
        bottom + 24,
        *parts,
    )


def gap_rows(found: MetricVerdict) -> list[list[str]]:
    """The same as a table."""
    name = METRIC_NAMES[found.metric]
    return [
        [
            f"{name}: {row.first} minus {row.second}",
            NONE if row.value is None else signed(row.value),
            NONE if row.low is None or row.high is None else f"{signed(row.low)} to {signed(row.high)}",
            f"±{number(found.margin)}",
            row.standing,
        ]
        for row in pairs(found)
    ]


def _pair(row: PairRow, x: Scale, y: float) -> list[Element]:
    if row.value is None or row.low is None or row.high is None:
        return []
    look = LOOKS[row.standing]
    ends = [line(x(end), y - 4, x(end), y + 4, look.colour, 1.5) for end in (row.low, row.high)]
    return [line(x(row.low), y, x(row.high), y, look.colour, 1.5), *ends, mark(x(row.value), y, 4.5, look)]


def _said(row: PairRow) -> str:
    if row.value is None:
        return row.standing
    between = (
        f" ({signed(row.low)} to {signed(row.high)})" if row.low is not None and row.high is not None else ""
    )
    return f"{signed(row.value)}{between} {row.standing}"
