"""Files of outcomes that somebody began to import: half a file is no random half of the truth."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.result import UnfinishedImport

TOLD = 3
"""So many are told one by one; all of them are in the JSON."""

# Of a file that was begun several times, the first time that nobody has settled since.
UNFINISHED = text("""
SELECT DISTINCT ON (batch_id)
    batch_id, reports, imported_by, began_at,
    CASE WHEN abandoned_at <= :as_of THEN abandoned_by END AS abandoned_by,
    CASE WHEN abandoned_at <= :as_of THEN abandoned_at END AS abandoned_at
FROM audit.label_imports
WHERE known_at <= :as_of AND (finished_at > :as_of OR finished_at IS NULL)
ORDER BY batch_id, coalesce(abandoned_at <= :as_of, false), began_at
""")


def unfinished(connection: Connection, as_of: datetime) -> tuple[UnfinishedImport, ...]:
    """Imports that were known to have begun at `as_of` and not to have ended, the oldest first."""
    rows = connection.execute(UNFINISHED, {"as_of": as_of}).mappings()
    return tuple(sorted(map(UnfinishedImport.model_validate, rows), key=lambda one: one.began_at))


def waited_for(imports: Sequence[UnfinishedImport]) -> list[UnfinishedImport]:
    """Those of which nobody has said that no more will come."""
    return [one for one in imports if one.abandoned_at is None]


def sentences(imports: Sequence[UnfinishedImport]) -> Iterator[str]:
    """What is to be done about those that are waited for, and then which ones were given up."""
    waiting = waited_for(imports)
    for one in waiting[:TOLD]:
        yield f"{_begun(one)} was not finished: import the same file again (batch {one.batch_id})."
    if len(waiting) > TOLD:
        yield f"{len(waiting) - TOLD} more imports were not finished."
    abandoned = [one for one in imports if one.abandoned_at is not None]
    for one in abandoned[:TOLD]:
        yield (
            f"{_begun(one)} was abandoned at {one.abandoned_at:%Y-%m-%d %H:%M} UTC: what had come of it "
            f"counts (batch {one.batch_id})."
        )
    if len(abandoned) > TOLD:
        yield f"{len(abandoned) - TOLD} more imports were abandoned."


def _begun(one: UnfinishedImport) -> str:
    return f"An import of {one.reports:,} rows that began at {one.began_at:%Y-%m-%d %H:%M} UTC"
