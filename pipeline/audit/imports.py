"""Files of outcomes whose import began and has not come to its end: nothing of them counts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.result import UnfinishedImport

TOLD = 3
"""So many are told one by one; all of them are in the JSON."""

# Of a file that was begun several times, the first time that nobody has settled since.
UNFINISHED = text("""
SELECT DISTINCT ON (batch_id) batch_id, reports, imported_by, began_at
FROM audit.label_imports
WHERE known_at <= :as_of AND (finished_at > :as_of OR finished_at IS NULL)
    AND (abandoned_at > :as_of OR abandoned_at IS NULL)
ORDER BY batch_id, began_at
""")


def unfinished(connection: Connection, as_of: datetime) -> tuple[UnfinishedImport, ...]:
    """Imports that were known to have begun at `as_of` and neither to have ended nor to be abandoned, the
    oldest first.
    """
    rows = connection.execute(UNFINISHED, {"as_of": as_of}).mappings()
    return tuple(sorted(map(UnfinishedImport.model_validate, rows), key=lambda one: one.began_at))


def sentences(imports: Sequence[UnfinishedImport]) -> Iterator[str]:
    """What was begun, that nothing of it counts, and what is to be done. No audit is incomplete for it, as
    outcomes come late anyway; it is told, since somebody meant it to count.
    """
    for one in imports[:TOLD]:
        yield (
            f"An import of {one.reports:,} rows that began at {one.began_at:%Y-%m-%d %H:%M} UTC was not "
            f"finished, and none of them counts: import the same file again (batch {one.batch_id})."
        )
    if len(imports) > TOLD:
        yield f"{len(imports) - TOLD} more imports were not finished."
