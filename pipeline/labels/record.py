"""The one transaction of a batch of reports. The same report again, from wherever, is the same row.

Nothing is matched here: a report is kept as it came, and what it says of which screening is answered when
somebody asks (`audit.outcomes`, `audit.skin_types`). So this role reads neither images nor predictions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import Connection, text

from evenscreen.pipeline.dead_letter import Unreadable, bury
from evenscreen.pipeline.labels.hold import count_or_forget, hold, take_turn
from evenscreen.schemas.events import ImportAnnounced, LabelArrived
from evenscreen.schemas.identity import report_id

OUTCOME_ROWS = """
FROM json_to_recordset(:rows) AS r(
    report_id uuid, screening_id uuid, bucket text, key text, accession text, malignant boolean,
    diagnosis text, source text, verification_reason text, sampling_probability double precision,
    reported_at timestamptz, supersedes uuid, imported_by text, batch_id uuid
)
"""
OUTCOME_COLUMNS = """
    report_id, screening_id, bucket, key, accession, malignant, diagnosis, source, verification_reason,
    sampling_probability, reported_at, supersedes, imported_by, batch_id, first_of_screening
"""

# Sorted alike everywhere, so that two workers with the same reports wait for each other, not in a circle.
# Every conflict counts here: a report that is known, and a screening that has its first report.
FIRST = text(f"""
INSERT INTO ground_truth ({OUTCOME_COLUMNS})
SELECT {OUTCOME_COLUMNS.replace("first_of_screening", "true")}
{OUTCOME_ROWS} WHERE screening_id IS NOT NULL
ORDER BY screening_id, report_id
ON CONFLICT DO NOTHING
RETURNING report_id
""")

# What was not a first: known reports conflict once more, the others are further ones.
FURTHER = text(f"""
INSERT INTO ground_truth ({OUTCOME_COLUMNS})
SELECT {OUTCOME_COLUMNS.replace("first_of_screening", "false")}
{OUTCOME_ROWS}
ORDER BY screening_id, report_id
ON CONFLICT (report_id) DO NOTHING
RETURNING report_id
""")

SKIN_TYPES = text("""
INSERT INTO skin_type_reports
    (report_id, screening_id, bucket, key, accession, fst, fst_source, reported_at, imported_by, batch_id)
SELECT report_id, screening_id, bucket, key, accession, fst, fst_source, reported_at, imported_by, batch_id
FROM json_to_recordset(:rows) AS r(
    report_id uuid, screening_id uuid, bucket text, key text, accession text, fst smallint, fst_source text,
    reported_at timestamptz, imported_by text, batch_id uuid
)
ORDER BY report_id
ON CONFLICT (report_id) DO NOTHING
RETURNING report_id
""")

# Without a conflict target: naming one takes the right to read, and this role has none.
IMPORTS = text("""
INSERT INTO label_imports
    (batch_id, step, announced_at, partition, partitions, reports, announced_by)
SELECT batch_id, step, announced_at, partition, partitions, reports, announced_by
FROM json_to_recordset(:rows) AS r(
    batch_id uuid, step text, announced_at timestamptz, partition smallint, partitions smallint,
    reports integer, announced_by text
)
ORDER BY batch_id, step, announced_at, partition
ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True)
class RecordedLabels:
    """What a batch really added, and how many rows of files it brought; all else was there before."""

    outcomes: int
    skin_types: int
    repeats: int
    unreadable: int
    held: int = 0


def record_labels(
    connection: Connection,
    labels: Sequence[LabelArrived],
    unreadable: Sequence[Unreadable],
    imports: Sequence[ImportAnnounced] = (),
    beat: Callable[[], None] = lambda: None,
) -> RecordedLabels:
    """Writes all reports of a batch, what is announced of imports, and a dead letter per unreadable message.

    Rows of a file wait until it has come whole; then all begin to count, which takes about a minute per
    million, with a `beat` every second. Everything is durable, or nothing, once the caller's transaction is.
    """
    take_turn(connection, imports)
    _record_imports(connection, imports)
    held = [label for label in labels if label.row is not None]
    hold(connection, [_held_row(label) for label in held])
    alone = [label for label in labels if label.row is None]
    new_outcomes, new_skin_types = _insert(connection, alone)
    released = count_or_forget(connection, imports, beat)
    new_outcomes += released.outcomes
    new_skin_types += released.skin_types
    return RecordedLabels(
        outcomes=new_outcomes,
        skin_types=new_skin_types,
        repeats=sum(map(_said, alone)) + released.reports - new_outcomes - new_skin_types,
        unreadable=bury(connection, unreadable),
        held=len(held),
    )


def _insert(connection: Connection, labels: Sequence[LabelArrived]) -> tuple[int, int]:
    """How many outcomes and skin types were new."""
    outcomes = {row["report_id"]: row for row in map(outcome_row, labels) if row is not None}
    skin_types = {row["report_id"]: row for row in map(skin_type_row, labels) if row is not None}
    new_outcomes = new_skin_types = 0
    if outcomes:
        rows = json.dumps(list(outcomes.values()), ensure_ascii=False)
        new_outcomes = len(connection.execute(FIRST, {"rows": rows}).all())
        new_outcomes += len(connection.execute(FURTHER, {"rows": rows}).all())
    if skin_types:
        rows = json.dumps(list(skin_types.values()), ensure_ascii=False)
        new_skin_types = len(connection.execute(SKIN_TYPES, {"rows": rows}).all())
    return new_outcomes, new_skin_types


def _said(label: LabelArrived) -> int:
    return (label.outcome is not None) + (label.skin_type is not None)


def _held_row(label: LabelArrived) -> dict[str, object]:
    said = {"outcome": outcome_row(label), "skin_type": skin_type_row(label)}
    return {"batch_id": str(label.batch_id), "row": label.row, **said}


def _record_imports(connection: Connection, imports: Sequence[ImportAnnounced]) -> None:
    if imports:
        rows = [one.model_dump(mode="json", exclude={"schema_version"}) for one in imports]
        connection.execute(IMPORTS, {"rows": json.dumps(rows, ensure_ascii=False)})


def outcome_row(label: LabelArrived) -> dict[str, object] | None:
    """The row of the outcome that `label` reports, if it does.

    Its identity is what it names, the source, the time, the outcome and what it supersedes. Why somebody
    looked is no part of it: the same outcome of the same source and time is the same report.
    """
    if (said := label.outcome) is None:
        return None
    values = said.model_dump(mode="json")
    identity = (values["source"], values["malignant"], values["diagnosis"], values["supersedes"])
    return {**_about(label), **values, "report_id": _id(label, "outcome", *identity)}


def skin_type_row(label: LabelArrived) -> dict[str, object] | None:
    """The row of the skin type that `label` reports, if it does."""
    if (said := label.skin_type) is None:
        return None
    values = said.model_dump(mode="json")
    return {**_about(label), **values, "report_id": _id(label, "skin type", said.fst_source, said.fst)}


def _about(label: LabelArrived) -> dict[str, object]:
    form, *names = label.reference
    return {
        "screening_id": names[0] if form == "screening" else None,
        "bucket": names[0] if form == "object" else None,
        "key": names[1] if form == "object" else None,
        "accession": names[0] if form == "accession" else None,
        "reported_at": _utc(label),
        "imported_by": label.imported_by,
        "batch_id": str(label.batch_id),
    }


def _id(label: LabelArrived, *said: object) -> str:
    return str(report_id(list(label.reference), _utc(label), *said))


def _utc(label: LabelArrived) -> str:
    return label.reported_at.astimezone(UTC).isoformat()
