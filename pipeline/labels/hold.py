"""Rows of a file wait beside the reports and begin to count together, when all of the file has come.

Half a file is no random half of the truth: files are sorted by something. So a file counts whole or not at
all: the end of its batch is recorded from every partition, and as many rows are held as were announced.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from evenscreen.schemas.events import ImportAnnounced
from evenscreen.schemas.labels import ImportStep

# Who lets a file count is alone with reports and rows meanwhile: of two that record the last two partitions
# of a file at once neither would see its end; and whatever order it writes in, nobody waits for it in a
# circle.
LOCK = 7_240_226_501
TOGETHER = text("SELECT pg_advisory_xact_lock_shared(:lock)")
ALONE = text("SELECT pg_advisory_xact_lock(:lock)")

# Without a conflict target: naming one takes the right to read, and this role has none.
HOLD = text("""
INSERT INTO held_reports (batch_id, "row", outcome, skin_type)
SELECT r.batch_id, r."row", r.outcome, r.skin_type
FROM json_to_recordset(:rows) AS r(batch_id uuid, "row" integer, outcome jsonb, skin_type jsonb)
ORDER BY r.batch_id, r."row"
ON CONFLICT DO NOTHING
""")
COUNT = text("SELECT count_import(:batch_id, :announced_at)")
# A slow disk must not make a large file begin anew for ever.
UNHURRIED = text("SELECT set_config('statement_timeout', '10min', true)")
RELEASE = text("""
SELECT last_row, reports, outcomes, skin_types FROM release_reports(:batch_id, :moment, :after)
""")
FORGET = text("SELECT forget_reports(:batch_id)")


@dataclass(frozen=True)
class Released:
    """Reports that began to count, and what they really added."""

    reports: int = 0
    outcomes: int = 0
    skin_types: int = 0


def take_turn(connection: Connection, imports: Sequence[ImportAnnounced]) -> None:
    """Before anything else in a transaction that writes reports: waits while another lets a file count or
    forgets one, and for all others where this one may.
    """
    ends = any(one.step is not ImportStep.BEGUN for one in imports)
    connection.execute(ALONE if ends else TOGETHER, {"lock": LOCK})


def hold(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Keeps rows of files: `batch_id`, `row`, and what will be rows of `ground_truth` in `outcome` and of
    `skin_type_reports` in `skin_type`. A row that is held already stays as it is.
    """
    if rows:
        connection.execute(HOLD, {"rows": json.dumps(rows, ensure_ascii=False)})


def count_or_forget(
    connection: Connection, imports: Sequence[ImportAnnounced], beat: Callable[[], None]
) -> Released:
    """After `imports` were recorded: lets the files count that have come whole now, and forgets what had come
    of abandoned ones.

    20,000 rows a statement, about a second, with `beat` after each; all in the caller's transaction.
    """
    total = Released()
    if any(one.step is not ImportStep.BEGUN for one in imports):
        connection.execute(UNHURRIED)
    for batch_id, announced_at in _of(imports, ImportStep.FINISHED):
        ended = {"batch_id": batch_id, "announced_at": announced_at}
        if moment := connection.execute(COUNT, ended).scalar_one():
            total = _release(connection, {"batch_id": batch_id, "moment": moment}, total, beat)
    for batch_id, _ in _of(imports, ImportStep.ABANDONED):
        connection.execute(FORGET, {"batch_id": batch_id})
    return total


def _release(
    connection: Connection, which: dict[str, object], total: Released, beat: Callable[[], None]
) -> Released:
    after: int | None = 0
    while after is not None:
        row = connection.execute(RELEASE, {**which, "after": after}).one()
        after = row.last_row
        total = Released(
            total.reports + row.reports,
            total.outcomes + row.outcomes,
            total.skin_types + row.skin_types,
        )
        beat()
    return total


def _of(imports: Sequence[ImportAnnounced], step: ImportStep) -> list[tuple[object, object]]:
    return sorted({(one.batch_id, one.announced_at) for one in imports if one.step is step})
