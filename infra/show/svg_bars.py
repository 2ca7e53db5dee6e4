"""Bars: what became of every image, and who has a known outcome."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_groups import Group
from evenscreen.infra.show.audit_markup import tag
from evenscreen.infra.show.audit_words import count, share
from evenscreen.infra.show.svg import FAINT, INK, PAPER, WIDTH, Scale, drawing, horizontal_axis, label, line
from evenscreen.pipeline.ledger import Ledger

STATES = {
    "screened": ("#0072b2", None),
    "rejected": ("#e69f00", "ledger-dots"),
    "superseded": ("#cccccc", "ledger-rising"),
    "in_flight": ("#56b4e9", "ledger-falling"),
    "missing": ("#d55e00", "ledger-crossed"),
}
"""Every state has a pattern as well as a colour."""


def ledger_drawing(found: Ledger) -> Element:
    """One bar of all known images; a state too small to see is named with its count like any other."""
    parts: list[Element] = [_patterns("ledger")]
    scale, begun = Scale(0, max(found.known, 1), 0, WIDTH), 0
    for state, (colour, pattern) in STATES.items():
        images = getattr(found, state)
        if images:
            left, width = scale(begun), max(2.0, scale(begun + images) - scale(begun))
            parts += _bar(min(left, WIDTH - width), 4, width, 26, colour, pattern)
            begun += images
    if not found.known:
        parts += [tag("rect", x=0.5, y=4.0, width=WIDTH - 1, height=26.0, fill=PAPER, stroke=FAINT)]
        parts.append(label(WIDTH / 2, 22, "no image in this window", "middle"))
    for place, (state, (colour, pattern)) in enumerate(STATES.items()):
        left = 4 + place * WIDTH / len(STATES)
        parts += _bar(left, 42, 14, 14, colour, pattern)
        parts.append(label(left + 20, 54, f"{state.replace('_', ' ')} {count(getattr(found, state))}"))
    told = ", ".join(f"{count(getattr(found, state))} {state.replace('_', ' ')}" for state in STATES)
    return drawing(
        "ledger", "What became of every image", f"Of {count(found.known)} known images: {told}.", 66, *parts
    )


def verification_drawing(groups: Sequence[Group]) -> Element:
    """Two bars per group: of flagged images and of others, the share whose outcome is known."""
    x, row = Scale(0, 1, 150, WIDTH - 80), 46.0
    bottom = 8 + row * len(groups)
    parts: list[Element] = [_patterns("verification")]
    told = []
    for place, group in enumerate(groups):
        top = 8 + row * place
        parts.append(label(0, top + 22, group.name, class_="strong"))
        one = group.described
        flagged = one.flagged_with_outcome_share if one else None
        spared = one.unflagged_with_outcome_share if one else None
        for step, (name, value, pattern) in enumerate(
            (("flagged", flagged, None), ("not flagged", spared, "verification-rising"))
        ):
            y = top + 18 * step
            parts.append(label(142, y + 13, name, "end"))
            if value is not None:
                parts += _bar(x.start, y + 2, max(1.0, x(value) - x.start), 13, "#0072b2", pattern)
            parts.append(label(x(value or 0) + 6, y + 13, share(value) if value is not None else "no image"))
        told.append(f"{group.name}: {share(flagged)} of flagged, {share(spared)} of others")
    parts += [
        *horizontal_axis(x, bottom, (0, 0.25, 0.5, 0.75, 1), "{:.0%}"),
        line(x.start, 4, x.start, bottom, INK),
    ]
    return drawing(
        "verification", "Share of images with a known outcome", "; ".join(told) + ".", bottom + 24, *parts
    )


def _bar(x: float, y: float, width: float, height: float, colour: str, pattern: str | None) -> list[Element]:
    at: dict[str, str | float] = {
        "x": float(x),
        "y": float(y),
        "width": float(width),
        "height": float(height),
    }
    solid = tag("rect", fill=colour, stroke=INK, stroke_width=0.8, **at)
    return [solid, tag("rect", fill=f"url(#{pattern})", **at)] if pattern else [solid]


def _patterns(drawn_in: str) -> Element:
    lines = {"rising": ("M0 6L6 0",), "falling": ("M0 0L6 6",), "crossed": ("M0 6L6 0", "M0 0L6 6")}
    drawn = [
        tag(
            "pattern",
            *(tag("path", d=way, stroke=INK, stroke_width=1.2) for way in ways),
            id=f"{drawn_in}-{name}",
            width="6",
            height="6",
            patternUnits="userSpaceOnUse",
        )
        for name, ways in lines.items()
    ]
    dots = tag("circle", cx=3.0, cy=3.0, r=1.3, fill=INK)
    drawn.append(
        tag("pattern", dots, id=f"{drawn_in}-dots", width="6", height="6", patternUnits="userSpaceOnUse")
    )
    return tag("defs", *drawn)
