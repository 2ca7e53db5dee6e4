"""Reports to fill a database with, and the questions that an auditor asks of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.record import RecordedLabels, outcome_row, record_labels
from evenscreen.schemas.events import ImportAnnounced, LabelArrived

MARCH = datetime(2026, 3, 10, tzinfo=UTC)
BATCH = UUID(int=7)
AS_OF = "CAST(coalesce(:as_of, 'infinity') AS timestamptz)"
ACCESSION = "k1:" + "ab" * 32


def report(malignant: bool | None = None, *, fst: int | None = None, **fields: Any) -> LabelArrived:
    """An outcome, a skin type or both, of histopathology in March unless `fields` say otherwise."""
    outcome = {
        name: fields.pop(name)
        for name in ("source", "verification_reason", "sampling_probability", "supersedes", "diagnosis")
        if name in fields
    }
    given: dict[str, Any] = {"reported_at": MARCH, "imported_by": "pathology", "batch_id": BATCH}
    if malignant is not None:
        given["outcome"] = {"malignant": malignant, "source": "histopathology"} | outcome
    if fst is not None:
        given["skin_type"] = {"fst": fst, "fst_source": fields.pop("fst_source", "reported")}
    return LabelArrived.model_validate(given | fields)


def arrive_labels(engine: Engine, *labels: LabelArrived) -> RecordedLabels:
    with transaction(engine) as connection:
        return record_labels(connection, labels, ())


def arrive_imports(engine: Engine, *imports: ImportAnnounced) -> None:
    with transaction(engine) as connection:
        record_labels(connection, (), (), imports)


def id_of(label: LabelArrived) -> UUID:
    """The id under which its outcome is kept."""
    row = outcome_row(label)
    assert row is not None
    return UUID(str(row["report_id"]))


def now(engine: Engine) -> datetime:
    with transaction(engine) as connection:
        return connection.execute(text("SELECT clock_timestamp()")).scalar_one()


def asked(engine: Engine, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    with transaction(engine) as connection:
        return [tuple(row) for row in connection.execute(text(query), parameters)]


def outcomes(engine: Engine, as_of: datetime | None = None) -> dict[UUID, bool | None]:
    """What `audit.outcomes` says of each screening: malignant, benign, or None for a contradiction."""
    rows = asked(
        engine,
        f"SELECT screening_id, malignant, contradictory FROM audit.outcomes({AS_OF})",
        as_of=as_of,
    )
    assert len({row[0] for row in rows}) == len(rows), "a screening stands twice"
    assert all((malignant is None) == contradictory for _, malignant, contradictory in rows)
    return {screening: malignant for screening, malignant, _ in rows}


def skin_types(engine: Engine, as_of: datetime | None = None) -> dict[UUID, tuple[int, str]]:
    """What `audit.skin_types` says of each screening."""
    rows: Sequence[tuple[Any, ...]] = asked(
        engine,
        f"SELECT screening_id, fst, fst_source FROM audit.skin_types({AS_OF})",
        as_of=as_of,
    )
    assert len({row[0] for row in rows}) == len(rows), "a screening stands twice"
    return {screening: (fst, source) for screening, fst, source in rows}
