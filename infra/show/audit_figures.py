"""Figures by group: with intervals for registered groups, descriptive for all other dimensions."""

from collections.abc import Callable, Sequence

from evenscreen.infra.show.audit_groups import Group, registered
from evenscreen.infra.show.audit_markup import Node, details, figure, table, tag
from evenscreen.infra.show.audit_words import (
    DIMENSION_NAMES,
    NONE,
    count,
    group_name,
    limits,
    number,
    plain,
    share,
    share_limits,
    signed,
)
from evenscreen.infra.show.svg_curves import bins, calibration_drawing, points, roc_drawing
from evenscreen.pipeline.audit.plan import Metric
from evenscreen.pipeline.audit.result import Audit, GroupDescription, Line

EXPLORED = ("age_band", "sex", "body_site", "site", "device", "modality")
FEW = "too few to assess"
Cell = Callable[[GroupDescription], str]
COUNTS: tuple[tuple[str, Cell], ...] = (
    ("images (n)", lambda one: count(one.images)),
    ("patients", lambda one: count(one.patients)),
    ("images without patient", lambda one: count(one.images_without_patient)),
    ("positives", lambda one: count(one.positives)),
    ("negatives", lambda one: count(one.negatives)),
)
DECIDING: tuple[tuple[str, Metric], ...] = (
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("AUROC", "auroc"),
    ("calibration residual", "calibration"),
)
DESCRIPTIVE: tuple[tuple[str, Cell], ...] = (
    ("PPV", lambda one: number(one.ppv)),
    ("NPV", lambda one: number(one.npv)),
    ("flag rate", lambda one: share_limits(one.flag_rate, one.flag_rate_limits)),
    ("rejection rate", lambda one: share_limits(one.rejection_rate, one.rejection_rate_limits)),
    ("rejected, by reason", lambda one: _reasons(one)),
    ("missed cancers", lambda one: count(one.missed_cancers)),
    ("Brier score", lambda one: number(one.brier)),
    ("calibration error", lambda one: number(one.ece)),
    ("… of a perfect model", lambda one: number(one.ece_floor)),
    ("… squared, unbiased", lambda one: number(one.squared_error, 4)),
    ("latency p50 / p95", lambda one: f"{_seconds(one.latency_p50_s)} / {_seconds(one.latency_p95_s)}"),
)


def figures_of_groups(found: Audit) -> list[Node]:
    """The primary grouping: table, ROC and calibration."""
    grouping = found.judgements[0].grouping
    groups = registered(found, grouping)
    known = [one for one in groups if one.intervals]
    curves = {group_name(one.group_value, grouping): one for one in found.curves}
    names = [one.name for one in known]
    corners = [f"{name}: {axis}" for name in names for axis in ("1 − specificity", "sensitivity")]
    marks = [f"{name}: {axis}" for name in names for axis in ("mean prob.", "share", "images")]
    return [
        by_group(f"{DIMENSION_NAMES[grouping]}s, with 95 % limits of each group alone", groups),
        tag("h3", "ROC"),
        figure(
            roc_drawing(known, curves),
            "The mark on a curve is the deployed threshold: sensitivity and specificity of the table above. "
            "In brackets: 95 % limits of AUROC."
            + (" Curves are of images as seen, marks weighted for random draws." if found.sampled else ""),
        ),
        details("Every point of the curves", table("ROC curves", ("point", *corners), points(known, curves))),
        tag("h3", "Calibration"),
        figure(
            calibration_drawing(known, curves),
            "The larger a mark, the more images are in its bin; marks on the diagonal are right. Small bins "
            "stray by chance.",
        ),
        *[tag("p", _everybody(one)) for one in found.calibration_lines.get("all", ())],
        table("Marks of the calibration plots", ("mark", *marks), bins(known, curves)),
    ]


def _everybody(line: Line) -> str:
    if line.intercept is None or line.slope is None:
        return "No calibration line fits all images together."
    return (
        f"Of all {count(line.n)} images with an outcome the calibration line has intercept "
        f"{signed(line.intercept)} and slope {number(line.slope)}; below 1 probabilities are too extreme."
    )


def described(found: Audit) -> list[Node]:
    """The table of the other grouping."""
    return [
        by_group(
            f"{DIMENSION_NAMES[one.grouping]}s, with 95 % limits of each group alone",
            registered(found, one.grouping),
        )
        for one in found.judgements[1:]
    ]


def explored(found: Audit) -> list[Node]:
    """All other dimensions: no verdict, since no plan registered them."""
    parts: list[Node] = [tag("p", "Descriptive figures without verdict: the plan registers skin types only.")]
    for dimension in EXPLORED:
        rows = found.description.get(dimension, ())
        name = DIMENSION_NAMES[dimension]
        parts.append(_explored(name, dimension, rows) if rows else tag("p", f"{name}: no image."))
    return parts


def by_group(caption: str, groups: Sequence[Group]) -> Node:
    """Figures down, groups across: it fits on paper with six groups as well."""
    rows: list[list[Node]] = [[name, *(_told(one, cell, "0") for one in groups)] for name, cell in COUNTS]
    rows += [[name, *(_judged(one, metric) for one in groups)] for name, metric in DECIDING]
    rows.append(["calibration intercept (right: 0)", *(_line(one, "intercept") for one in groups)])
    rows.append(["calibration slope (right: 1)", *(_line(one, "slope") for one in groups)])
    rows += [[name, *(_told(one, cell) for one in groups)] for name, cell in DESCRIPTIVE]
    return table(caption, ("figure", *(one.name for one in groups)), rows)


def _explored(name: str, dimension: str, rows: Sequence[GroupDescription]) -> Node:
    headings = (
        name.lower(), "n", "patients", "pos.", "neg.", "sens.", "spec.", "AUROC", "PPV", "NPV", "resid.",
        "flagged", "rejected", "missed cancers",
    )  # fmt: skip
    cells = [
        (
            group_name(one.group_value, dimension),
            *(count(value) for value in (one.images, one.patients, one.positives, one.negatives)),
            *(number(value) for value in (one.sensitivity, one.specificity, one.auroc, one.ppv, one.npv)),
            NONE if one.residual is None else signed(one.residual),
            share(one.flag_rate),
            share(one.rejection_rate),
            count(one.missed_cancers),
        )
        for one in rows
    ]
    return table(f"{name} (exploratory)", headings, cells)


def _told(group: Group, cell: Cell, without: str = NONE) -> Node:
    return cell(group.described) if group.described else without


def _judged(group: Group, metric: Metric) -> Node:
    value, interval = group.value(metric), group.intervals.get(metric)
    if value is None:
        return NONE
    written = signed(value) if metric == "calibration" else number(value)
    if interval is not None:
        return tag("span", written, tag("span", limits(interval), class_="limits"))
    if not group.too_small(metric):
        return written
    few = group.small.get(metric)
    return tag("span", written, tag("span", f"{limits(few)} {FEW}" if few else FEW, class_="limits"))


def _line(group: Group, part: str) -> str:
    value: float | None = getattr(group.line, part, None)
    return NONE if value is None else signed(value) if part == "intercept" else number(value)


def _reasons(one: GroupDescription) -> str:
    return (
        ", ".join(f"{plain(reason)} {images:,}" for reason, images in one.rejected_by_reason.items()) or NONE
    )


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f} s"
