"""Reports of a file wait beside the others and begin to count together, when all of the file has come.

Half a file is no random half of the truth: files are sorted by something. So a file counts whole or not at
all.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from evenscreen.schemas.events import ImportAnnounced
from evenscreen.schemas.labels import ImportStep

# Who lets a file count is alone with the reports meanwhile: of two that record the last two partitions of a
# file at once neither would see its end; and in whatever order it writes, nobody waits for it in a circle.
WRITERS = 7_240_226_501
TOGETHER = text("SELECT pg_advisory_xact_lock_shared(:writers)")
ALONE = text("SELECT pg_advisory_xact_lock(:writers)")

HOLD = text("""
INSERT INTO held_reports (batch_id, outcome, skin_type)
SELECT r.batch_id, r.outcome, r.skin_type
FROM json_to_recordset(:rows) AS r(batch_id uuid, outcome jsonb, skin_type jsonb)
""")
RELEASE = text("""
SELECT last_id, released, outcomes, skin_types FROM release_reports(:batch_id, :announced_at, :after)
""")

Row = Mapping[str, object]


@dataclass(frozen=True)
class Released:
    """Reports that began to count, and what they really added."""

    reports: int = 0
    outcomes: int = 0
    skin_types: int = 0


def agree(connection: Connection, imports: Sequence[ImportAnnounced]) -> None:
    """Before anything else in a transaction that writes reports: waits while another lets a file count, and
    for all others where this one may.
    """
    may_end = any(one.step is ImportStep.FINISHED for one in imports)
    connection.execute(ALONE if may_end else TOGETHER, {"writers": WRITERS})


def hold(connection: Connection, outcomes: Sequence[Row], skin_types: Sequence[Row]) -> None:
    """Keeps rows of `ground_truth` and of `skin_type_reports` until their batch has come to its end."""
    rows = [{"batch_id": row["batch_id"], "outcome": row} for row in outcomes]
    rows += [{"batch_id": row["batch_id"], "skin_type": row} for row in skin_types]
    if rows:
        connection.execute(HOLD, {"rows": json.dumps(rows, ensure_ascii=False)})


def release(connection: Connection, ended: Sequence[ImportAnnounced], beat: Callable[[], None]) -> Released:
    """Lets all held reports count of those batches whose end, as announced in `ended`, is now recorded from
    every partition. They are known since the last of these records.

    20,000 reports a statement, about a second, with `beat` after each; all in the caller's transaction.
    """
    total = Released()
    for batch_id, announced_at in sorted({(one.batch_id, one.announced_at) for one in ended}):
        after: int | None = 0
        while after is not None:
            question = {"batch_id": batch_id, "announced_at": announced_at, "after": after}
            after, *added = connection.execute(RELEASE, question).one()
            total = Released(total.reports + added[0], total.outcomes + added[1], total.skin_types + added[2])
            beat()
    return total
