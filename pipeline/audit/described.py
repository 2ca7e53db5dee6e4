"""What an audit describes besides its verdicts: every dimension, from sums: no case is read for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question, Row, in_order
from evenscreen.pipeline.audit.judgement import interval
from evenscreen.pipeline.audit.plan import GROUPS, Grouping
from evenscreen.pipeline.audit.result import GroupDescription, Interval
from evenscreen.pipeline.evidence.rates import Rate

DIMENSIONS = (
    "all",
    "fst_group",
    "fst",
    "fst_source",
    "site",
    "modality",
    "age_band",
    "sex",
    "body_site",
    "device",
)
DESCRIBED = text("""
SELECT dimension, (figures).* FROM audit.description(:since, :until, :as_of, :model, :source)
""")


def description_rows(connection: Connection, question: Question) -> dict[str, list[Row]]:
    """Figures of the groups of every dimension, from sums."""
    found: dict[str, list[Row]] = {name: [] for name in DIMENSIONS}
    for row in connection.execute(DESCRIBED, vars(question)).mappings():
        found[row["dimension"]].append({name: value for name, value in row.items() if name != "dimension"})
    return found


def described(
    found: Mapping[str, Sequence[Row]], components: Mapping[Grouping, Sequence[Row]]
) -> dict[str, tuple[GroupDescription, ...]]:
    """Groups of every dimension in its order; `components` count the patients of skin types, no others.

    A patient counts once in a group however many images there are, which no sum of periods can tell:
    `audit.metrics` counts them for any dimension.
    """
    return {
        name: tuple(map(GroupDescription.model_validate, _ordered(name, rows, components)))
        for name, rows in found.items()
    }


def _ordered(name: str, rows: Sequence[Row], components: Mapping[Grouping, Sequence[Row]]) -> Sequence[Row]:
    if name not in GROUPS:
        return rows
    counted = {row["group_value"]: row for row in components[name]}
    return [row | _over_patients(row, counted.get(row["group_value"])) for row in in_order(rows, name)]


def _over_patients(row: Row, counted: Row | None) -> dict[str, Any]:
    """What only a pass over patients knows: how many there are, and how alike images of one of them are."""
    if counted is None:
        return {}
    return {
        "patients": counted["patients_seen"],
        "images_without_patient": counted["images_without_patient"],
        "flag_rate_limits": _limits(row["flagged"], row["screened"], counted["flag_design_effect"]),
        "rejection_rate_limits": _limits(row["rejected"], row["images"], counted["rejection_design_effect"]),
    }


def _limits(part: int, whole: int, effect: float | None) -> Interval | None:
    return None if not whole or effect is None else interval(Rate(part, whole, effect))
