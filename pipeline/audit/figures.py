"""What the rows of one group say: one row of SQL in, figures of the evidence package out.

`audit.components` counts, ranks and sums in the database, so ten million predictions arrive here as a handful
of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.audit.plan import GROUPS, Grouping
from evenscreen.pipeline.evidence.auroc import AreaComponents
from evenscreen.pipeline.evidence.calibration import Residual
from evenscreen.pipeline.evidence.rates import Rate

COMPONENTS = text("""
SELECT * FROM audit.skin_type_components(:since, :until, :as_of, :model, :source)
""")
CASES = text("SELECT * FROM audit.skin_type_cases(:since, :until, :as_of, :model, :source)")
RECENT = timedelta(days=90)
MONTHS = 90 / 30.44

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """Which predictions, as they were known when. `until` is not in the window itself."""

    model: str
    since: datetime
    until: datetime
    as_of: datetime
    source: str


def component_rows(connection: Connection, question: Question) -> dict[Grouping, list[Row]]:
    """One row per group that has a case, by its name in the plan; cases of unknown group are left out.

    Raises what the driver raises; arguments are parameters and never part of a statement.
    """
    found = [dict(row) for row in connection.execute(COMPONENTS, vars(question)).mappings()]
    return {grouping: _known(found, grouping) for grouping in GROUPS}


def _known(rows: Sequence[Row], grouping: Grouping) -> list[Row]:
    own = [{**row} for row in rows if row["dimension"] == grouping and row["group_value"] is not None]
    return list(in_order(own, grouping))


def recent_rows(connection: Connection, question: Question) -> dict[Grouping, list[Row]]:
    """Positives and negatives of the last 90 days of a window, in groups named as in `component_rows`."""
    recent = vars(question) | {"since": question.until - RECENT}
    found = [dict(row) for row in connection.execute(CASES, recent).mappings()]
    return {grouping: _known(found, grouping) for grouping in GROUPS}


def figures(rows: Sequence[Row], recent: Sequence[Row]) -> dict[str, GroupFigures]:
    """Figures of every group in `rows`; `recent` are rows of the last 90 days."""
    rates = {row["group_value"]: (row["positives"] / MONTHS, row["negatives"] / MONTHS) for row in recent}
    return {row["group_value"]: _group(row, *rates.get(row["group_value"], (0.0, 0.0))) for row in rows}


def in_order(rows: Sequence[Row], grouping: Grouping) -> list[dict[str, Any]]:
    """`rows` in the order of the plan's groups and by their names there, cases of unknown group last."""
    names = GROUPS[grouping]

    def named(value: str | None) -> str | None:
        return names[int(value) - 1] if grouping == "fst" and value is not None else value

    renamed = [{**row, "group_value": named(row["group_value"])} for row in rows]
    return sorted(
        renamed, key=lambda row: len(names) if row["group_value"] is None else names.index(row["group_value"])
    )


def _group(row: Row, positives_per_month: float, negatives_per_month: float) -> GroupFigures:
    m, n = int(row["positives"]), int(row["negatives"])
    known = None not in (row["theta"], row["variance"], row["s10"], row["s01"])
    return GroupFigures(
        sensitivity=_rate(row["true_positives"], m, row["sensitivity_design_effect"]),
        specificity=_rate(row["true_negatives"], n, row["specificity_design_effect"]),
        auroc=AreaComponents(
            row["theta"], row["variance"], row["s10"], row["s01"], m, n, int(row["patients"])
        )
        if known
        else None,
        calibration=None
        if row["residual_variance"] is None
        else Residual(row["residual"], row["residual_variance"], m + n, m),
        positives_per_month=positives_per_month,
        negatives_per_month=negatives_per_month,
    )


def _rate(successes: int, n: int, effect: float | None) -> Rate | None:
    return None if n == 0 or effect is None else Rate(int(successes), n, float(effect))
