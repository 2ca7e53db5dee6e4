"""Drawings: a frame with a title and a description, scales, marks. What is drawn stands in a table too."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_markup import Node, tag

INK, FAINT, PAPER = "#1a1a1a", "#767676", "#ffffff"
WIDTH = 680.0


class Look(NamedTuple):
    """How one group is drawn: a colour (Okabe and Ito 2008) is never all that tells it apart."""

    colour: str
    dash: str | None
    shape: str


LOOKS = (
    Look("#0072b2", None, "circle"),
    Look("#d55e00", "7 3", "square"),
    Look("#007a59", "2 3", "triangle"),
    Look("#000000", "10 3 2 3", "diamond"),
    Look("#a8487f", "1 2", "cross"),
    Look("#8a6000", "12 4", "bar"),
)


class Scale(NamedTuple):
    """From figures to positions; a figure beyond an end is drawn at that end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        inside = min(max(value, min(self.low, self.high)), max(self.low, self.high))
        return self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start)


def drawing(identity: str, title: str, description: str, height: float, *children: Node) -> Element:
    """An image for those who see it, and its title and description for those who do not."""
    return tag(
        "svg",
        tag("title", title, id=f"{identity}-title"),
        tag("desc", description, id=f"{identity}-desc"),
        *children,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
    )


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str = INK, width: float = 1.0, dash: str | None = None
) -> Element:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width, stroke_dasharray=dash)


def label(x: float, y: float, text: str, anchor: str = "start", class_: str | None = None) -> Element:
    return tag("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def path(points: Iterable[tuple[float, float]], look: Look) -> Element:
    joined = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag(
        "path", d=f"M{joined}", fill="none", stroke=look.colour, stroke_width=2.0, stroke_dasharray=look.dash
    )


def area(points: Sequence[tuple[float, float]], colour: str) -> Element:
    return tag("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill=colour)


def mark(x: float, y: float, size: float, look: Look, hollow: bool = False) -> Element:
    """A mark around (x, y), `size` from its middle to its edge."""
    paint: dict[str, str | float] = {
        "fill": PAPER if hollow else look.colour,
        "stroke": look.colour,
        "stroke_width": 1.5,
    }
    match look.shape:
        case "circle":
            return tag("circle", cx=x, cy=y, r=size, **paint)
        case "square":
            return tag("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, **paint)
        case "bar":
            return tag("rect", x=x - size, y=y - size / 2, width=2 * size, height=size, **paint)
    corners = {
        "triangle": ((0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
        "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        "cross": (
            (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4),
            (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
        ),
    }[look.shape]  # fmt: skip
    return tag(
        "polygon", points=" ".join(f"{x + a * size:.1f},{y + b * size:.1f}" for a, b in corners), **paint
    )


def horizontal_axis(scale: Scale, y: float, ticks: Iterable[float], form: str = "{:g}") -> list[Element]:
    """Along the bottom: ticks are no data, so they stand in no table."""
    parts = [line(scale.start, y, scale.end, y, FAINT)]
    for value in ticks:
        parts.append(line(scale(value), y, scale(value), y + 4, FAINT))
        parts.append(label(scale(value), y + 16, form.format(value or 0).replace("-", "−"), "middle", "tick"))
    return parts


def vertical_axis(scale: Scale, x: float, ticks: Iterable[float], form: str = "{:g}") -> list[Element]:
    parts = [line(x, scale.start, x, scale.end, FAINT)]
    for value in ticks:
        parts.append(line(x - 4, scale(value), x, scale(value), FAINT))
        parts.append(label(x - 7, scale(value) + 4, form.format(value or 0).replace("-", "−"), "end", "tick"))
    return parts


def steps(high: float) -> list[float]:
    """Round figures from -high to high, four or so on each side."""
    size = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.25) if high / one <= 5.01)
    return [round(place * size, 2) for place in range(-int(high / size + 1e-9), int(high / size + 1e-9) + 1)]
