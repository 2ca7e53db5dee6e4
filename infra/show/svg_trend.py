"""The largest gap of every night's verdict, with limits that hold on all nights together."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_words import METRIC_NAMES, NONE, number
from evenscreen.infra.show.svg import (
    FAINT,
    INK,
    LOOKS,
    WIDTH,
    Scale,
    area,
    drawing,
    horizontal_axis,
    label,
    line,
    mark,
    path,
    steps,
    vertical_axis,
)
from evenscreen.pipeline.audit.plan import Metric
from evenscreen.pipeline.audit.result import Audit

Bounded = tuple[float, float, float, float]
"""Seconds since the epoch, gap, lower and upper limit."""
MOST_NIGHTS = 40
HEIGHT = 190.0


class Night(NamedTuple):
    """What one night said of one metric: the size of the largest gap, the lower group last."""

    at: datetime
    value: float | None
    low: float | None
    high: float | None
    pair: str
    outcome: str


def nightly(found: Audit, history: Sequence[Audit]) -> list[Audit]:
    """Nights of the same model and plan, the earliest first, this audit among them if it is one.

    `history` is what is drawn: about `MOST_NIGHTS`, and nights on which the conclusion changed.
    """
    own = found.subject
    nights = {
        one.subject.as_of: one
        for one in (*history, found)
        if one.subject.kind == "nightly"
        and (one.subject.model_version, one.subject.plan_version) == (own.model_version, own.plan_version)
    }
    return [nights[moment] for moment in sorted(nights)]


def trend(nights: Sequence[Audit], metric: Metric) -> list[Night]:
    return [_night(one, metric) for one in nights]


def trend_drawing(nights: Sequence[Night], metric: Metric, margin: float) -> Element:
    """A line through the nights, between its limits; limits that leave the frame end at its edge."""
    first, last = nights[0].at.timestamp(), nights[-1].at.timestamp()
    x = Scale(first, last if last > first else first + 1, 62, WIDTH - 12)
    known = [one for one in nights if one.value is not None]
    high = min(1.0, 1.1 * max(2 * margin, *_seen(known)))
    y = Scale(-high, high, HEIGHT - 34, 18)
    stretches = _stretches(nights)
    parts = [_band(stretch, x, y) for stretch in stretches]
    parts += [
        *vertical_axis(y, x.start, steps(high)),
        line(x.start, y(0), x.end, y(0), FAINT),
        *(line(x.start, y(edge), x.end, y(edge), INK, 1, "5 3") for edge in (-margin, margin)),
        *_dates(x, nights),
    ]
    for stretch in stretches:
        parts.append(path([(x(at), y(value)) for at, value, _, _ in stretch], LOOKS[0]))
        for at, value, low, top in stretch:
            parts.append(line(x(at), y(low), x(at), y(top), LOOKS[0].colour))
            parts.append(mark(x(at), y(value), 3, LOOKS[0]))
    if not known:
        parts.append(label((x.start + x.end) / 2, y(0) - 8, "no night with two assessable groups", "middle"))
    name = METRIC_NAMES[metric]
    return drawing(
        f"trend-{metric}",
        f"{name}: largest gap, night by night",
        f"{len(nights)} nights from {nights[0].at:%Y-%m-%d} to {nights[-1].at:%Y-%m-%d}; dashed lines are "
        f"the margin of {number(margin)}. The table below has every night.",
        HEIGHT,
        label(x.start, 12, name, class_="strong"),
        *parts,
    )


def _night(found: Audit, metric: Metric) -> Night:
    verdict = next((one for one in found.judgements[0].verdicts if one.metric == metric), None)
    gap = verdict.largest if verdict else None
    said = (verdict.outcome if verdict else None) or NONE
    if gap is None:
        return Night(found.subject.as_of, None, None, None, NONE, said)
    if gap.value < 0:
        pair = f"{gap.second} minus {gap.first}"
        return Night(found.subject.as_of, -gap.value, -gap.high, -gap.low, pair, said)
    return Night(found.subject.as_of, gap.value, gap.low, gap.high, f"{gap.first} minus {gap.second}", said)


def _band(stretch: Sequence[Bounded], x: Scale, y: Scale) -> Element:
    """What lies between the limits of a run of nights."""
    above = [(x(at), y(top)) for at, _, _, top in stretch]
    return area([*above, *((x(at), y(low)) for at, _, low, _ in reversed(stretch))], "#cfe3f0")


def _seen(nights: Sequence[Night]) -> list[float]:
    """What the frame must hold: every gap, and the limits of the last night; early limits are very wide."""
    last = [abs(value) for one in nights[-1:] for value in (one.low, one.high) if value is not None]
    return [0.0, *last, *(one.value for one in nights if one.value is not None)]


def _stretches(nights: Sequence[Night]) -> list[list[Bounded]]:
    """Runs of nights with a gap: nothing is drawn across a night without."""
    runs: list[list[Bounded]] = [[]]
    for one in nights:
        if one.value is None or one.low is None or one.high is None:
            runs.append([])
        else:
            runs[-1].append((one.at.timestamp(), one.value, one.low, one.high))
    return [run for run in runs if run]


def _dates(x: Scale, nights: Sequence[Night]) -> list[Element]:
    parts = horizontal_axis(x, HEIGHT - 34, [])
    chosen = nights if len(nights) < 3 else (nights[0], nights[len(nights) // 2], nights[-1])
    for place, one in enumerate(chosen):
        anchor = "start" if place == 0 else "end" if place == len(chosen) - 1 else "middle"
        parts.append(label(x(one.at.timestamp()), HEIGHT - 16, f"{one.at:%Y-%m-%d}", anchor, "tick"))
    return parts
