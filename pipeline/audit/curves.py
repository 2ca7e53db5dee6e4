"""What is drawn of a group: its ROC curve and its calibration."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question, Row
from evenscreen.pipeline.audit.plan import Grouping
from evenscreen.pipeline.audit.result import Curves

PLACED = text("""
SELECT group_value, malignant, score, images
FROM audit.placements(:since, :until, :as_of, :model, :grouping, :source)
WHERE group_value IS NOT NULL
ORDER BY group_value, score DESC
""")
BINS = text("""
SELECT group_value, mean_probability, positives, n
FROM audit.calibration_bins(:since, :until, :as_of, :model, :grouping, :source, 15)
WHERE group_value IS NOT NULL
ORDER BY group_value, bin
""")
POINTS = 200


def curves(connection: Connection, question: Question, grouping: Grouping) -> tuple[Curves, ...]:
    """Of every group with an outcome, in the order of their names."""
    asked = vars(question) | {"grouping": grouping}
    placed = connection.execute(PLACED, asked).mappings().all()
    bins = connection.execute(BINS, asked).mappings().all()
    return tuple(
        Curves(
            group_value=name,
            roc=roc([dict(row) for row in rows]),
            calibration=tuple(
                (row["mean_probability"], row["positives"] / row["n"], row["n"])
                for row in bins
                if row["group_value"] == name
            ),
        )
        for name, rows in groupby(placed, key=lambda row: str(row["group_value"]))
    )


def roc(rows: Sequence[Row]) -> tuple[tuple[float, float], ...]:
    """About `POINTS` points from (0, 0) to (1, 1) of rows of one group, the highest score first.

    Images of one score move the curve in one step: a tie is a slope. Empty without both outcomes.
    """
    positives = sum(row["images"] for row in rows if row["malignant"])
    negatives = sum(row["images"] for row in rows if not row["malignant"])
    if not positives or not negatives:
        return ()
    points, right, up = [(0.0, 0.0)], 0, 0
    for _, tied in groupby(rows, key=lambda row: row["score"]):
        for row in tied:
            right, up = (right, up + row["images"]) if row["malignant"] else (right + row["images"], up)
        points.append((right / negatives, up / positives))
    step = max(1, len(points) // POINTS)
    return (*points[:-1:step], points[-1])
