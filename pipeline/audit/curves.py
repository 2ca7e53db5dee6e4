"""What is drawn of a group: its ROC curve and its calibration, and the line through the latter."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question, Row, in_order
from evenscreen.pipeline.audit.plan import GROUPS
from evenscreen.pipeline.audit.result import Curves, Line
from evenscreen.pipeline.evidence.calibration import calibration_line

COUNTED = text("SELECT * FROM audit.score_counts(:since, :until, :as_of, :model, :dimension, :source)")
POINTS = 200
BINS = 15


def curves(groups: Mapping[str, Sequence[Row]]) -> tuple[Curves, ...]:
    """Of every group with an outcome; rows count positives and negatives of a score, the lowest first."""
    known = {
        name: [row for row in rows if row["positives"] + row["negatives"]] for name, rows in groups.items()
    }
    return tuple(
        Curves(group_value=name, roc=roc(rows), calibration=tuple(_bins(rows)))
        for name, rows in known.items()
        if rows
    )


def roc(rows: Sequence[Row]) -> tuple[tuple[float, float], ...]:
    """About `POINTS` points from (0, 0) to (1, 1) of rows of one group, the lowest score first.

    Images of one score move the curve in one step: a tie is a slope. Empty without both outcomes.
    """
    positives, negatives = (sum(row[case] for row in rows) for case in ("positives", "negatives"))
    if not positives or not negatives:
        return ()
    points, right, up = [(0.0, 0.0)], 0, 0
    for row in reversed(rows):
        right, up = right + row["negatives"], up + row["positives"]
        points.append((right / negatives, up / positives))
    step = max(1, len(points) // POINTS)
    return (*points[:-1:step], points[-1])


def other_lines(connection: Connection, question: Question, dimension: str) -> tuple[Line, ...]:
    """Calibration lines of the groups of `dimension`, in order; unknown groups left out."""
    found = connection.execute(COUNTED, vars(question) | {"dimension": dimension}).mappings()
    rows = [dict(row) for row in found if row["group_value"] is not None]
    if dimension in GROUPS:
        rows = in_order(rows, dimension)
    return lines({name: list(own) for name, own in groupby(rows, key=lambda row: str(row["group_value"]))})


def lines(groups: Mapping[str, Sequence[Row]]) -> tuple[Line, ...]:
    """Intercept and slope per group, of images with an outcome; None where no line fits."""
    return tuple(_line(name, rows) for name, rows in groups.items())


def _line(name: str, rows: Sequence[Row]) -> Line:
    probabilities = np.array([row["score"] / 10_000 for row in rows])
    counts = np.array([[row["positives"], row["negatives"]] for row in rows], float).T
    outcomes = np.repeat([1, 0], len(rows))
    n, positives = int(counts.sum()), int(counts[0].sum())
    try:
        found = calibration_line(np.tile(probabilities, 2), outcomes, counts=counts.ravel())
    except ValueError:
        return Line(group_value=name, n=n, positives=positives, intercept=None, slope=None)
    return Line(group_value=name, n=n, positives=positives, intercept=found.intercept, slope=found.slope)


def _bins(rows: Iterable[Row]) -> Iterable[tuple[float, float, int]]:
    for _, inside in groupby(rows, key=lambda row: min(row["score"] * BINS // 10_000, BINS - 1)):
        own = list(inside)
        n = sum(row["positives"] + row["negatives"] for row in own)
        total = sum(row["score"] * (row["positives"] + row["negatives"]) for row in own)
        yield total / n / 10_000, sum(row["positives"] for row in own) / n, n
