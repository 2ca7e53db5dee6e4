"""ROC curves of all groups in one square, and the calibration of each in a square of its own."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_groups import Group
from evenscreen.infra.show.audit_words import count, limits, number
from evenscreen.infra.show.svg import (
    FAINT,
    LOOKS,
    WIDTH,
    Look,
    Scale,
    drawing,
    horizontal_axis,
    label,
    line,
    mark,
    path,
    vertical_axis,
)
from evenscreen.pipeline.audit.result import Curves

TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)
SIDE = 330.0
PER_ROW = 3


def roc_drawing(groups: Sequence[Group], curves: dict[str, Curves]) -> Element:
    """Sensitivity over 1 - specificity; the mark on a curve is the deployed threshold."""
    x, y = Scale(0, 1, 60, 60 + SIDE), Scale(0, 1, 20 + SIDE, 20)
    parts = [
        *horizontal_axis(x, y.start, TICKS),
        *vertical_axis(y, x.start, TICKS),
        line(x(0), y(0), x(1), y(1), FAINT, 1, "2 4"),
        label(x(0.5), y.start + 36, "1 − specificity", "middle"),
        label(x.start, 12, "Sensitivity"),
    ]
    for place, (group, look) in enumerate(zip(groups, LOOKS, strict=False)):
        curve = curves.get(group.name)
        if curve and curve.roc:
            parts.append(path([(x(right), y(up)) for right, up in curve.roc], look))
        parts += _threshold(group, look, x, y)
        parts += _legend(group, look, x.end + 24, 60 + 44 * place, bool(curve and curve.roc))
    described = "; ".join(_auroc(group) for group in groups)
    return drawing(
        "roc",
        "ROC curve of each skin-type group",
        f"AUROC with 95 % interval. {described}.",
        SIDE + 66,
        *parts,
    )


def calibration_drawing(groups: Sequence[Group], curves: dict[str, Curves]) -> Element:
    """Share of malignant outcomes over mean probability by bin; a mark's area is the bin's images."""
    rows = math.ceil(len(groups) / PER_ROW)
    side, height = 176.0, 236.0
    largest = max((images for one in curves.values() for _, _, images in one.calibration), default=1)
    parts: list[Element] = []
    for place, (group, look) in enumerate(zip(groups, LOOKS, strict=False)):
        left, top = 38 + (place % PER_ROW) * (WIDTH - 20) / PER_ROW, 26 + (place // PER_ROW) * height
        x, y = Scale(0, 1, left, left + side), Scale(0, 1, top + side, top)
        parts += [*horizontal_axis(x, y.start, TICKS), *vertical_axis(y, x.start, TICKS)]
        parts += [
            line(x(0), y(0), x(1), y(1), FAINT, 1, "2 4"),
            label(left, top - 10, group.name, class_="strong"),
        ]
        bins = curves[group.name].calibration if group.name in curves else ()
        if not bins:
            parts.append(label(left + 12, top + 24, "no outcome"))
        parts += [
            mark(x(mean), y(part), _size(images, largest), look, hollow=True) for mean, part, images in bins
        ]
    parts.append(
        label(38, rows * height + 4, "Across: mean probability of the bin. Up: share of malignant outcomes.")
    )
    bins_of = "; ".join(
        f"{group.name}: {len(curves[group.name].calibration) if group.name in curves else 0} bins"
        for group in groups
    )
    description = (
        f"A mark on the diagonal is a bin whose probabilities are right. {bins_of}. "
        "The table below has every mark."
    )
    return drawing(
        "calibration", "Calibration of each skin-type group", description, rows * height + 14, *parts
    )


def points(groups: Sequence[Group], curves: dict[str, Curves]) -> list[list[str]]:
    """Every corner of every ROC curve: one row per step, two columns per group."""
    columns = [[*curves[one.name].roc] if one.name in curves else [] for one in groups]
    rows = []
    for step, corners in enumerate(zip_longest(*columns), start=1):
        pairs = [(number(corner[0]), number(corner[1])) if corner else ("", "") for corner in corners]
        rows.append([str(step), *(cell for pair in pairs for cell in pair)])
    return rows


def bins(groups: Sequence[Group], curves: dict[str, Curves]) -> list[list[str]]:
    """Every mark of the calibration plots, the lowest probability first; three columns per group."""
    columns = [curves[one.name].calibration if one.name in curves else () for one in groups]
    rows = []
    for step, found in enumerate(zip_longest(*columns), start=1):
        cells = [(number(one[0]), number(one[1]), count(one[2])) if one else ("", "", "") for one in found]
        rows.append([str(step), *(cell for three in cells for cell in three)])
    return rows


def _threshold(group: Group, look: Look, x: Scale, y: Scale) -> list[Element]:
    sensitivity, specificity = group.value("sensitivity"), group.value("specificity")
    if sensitivity is None or specificity is None:
        return []
    return [mark(x(1 - specificity), y(sensitivity), 6, look)]


def _legend(group: Group, look: Look, x: float, y: float, drawn: bool) -> list[Element]:
    name = label(x + 54, y, group.name, class_="strong")
    auroc = label(x + 54, y + 16, _auroc(group).removeprefix(f"{group.name}: "))
    return (
        [path([(x, y), (x + 44, y)], look), mark(x + 22, y, 6, look), name, auroc] if drawn else [name, auroc]
    )


def _auroc(group: Group) -> str:
    interval, value = group.intervals.get("auroc"), group.value("auroc")
    if interval is not None:
        return f"{group.name}: {number(interval.value)} {limits(interval)}"
    if value is None:
        return f"{group.name}: no curve, not both outcomes"
    return f"{group.name}: {number(value)}, too few cases for an interval"


def _size(images: int, largest: int) -> float:
    return 1.5 + 9 * math.sqrt(images / largest)
