"""What a walk of the bucket leaves in Postgres, and what it finds there: images that were lost on the way.

Any number of walks may run at once: a listing keeps the number of the latest walk that saw it, and numbers
only rise. A walk that is cut short leaves its listings and no completion, which harms nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

BEGIN = text("INSERT INTO walks (bucket) VALUES (:bucket) RETURNING walk_id")

COMPLETE = text("""
UPDATE walks SET completed_at = clock_timestamp(), objects = :objects, emitted = :emitted
WHERE walk_id = :walk_id AND completed_at IS NULL
""")

# Sorted by id, so that two walks wait for each other instead of deadlocking.
COMPARE = text("""
WITH page AS (
    SELECT * FROM json_to_recordset(:page) AS p(screening_id uuid, last_modified timestamptz)
),
listed AS (
    INSERT INTO listings AS l (screening_id, bucket, last_modified, walk_id)
    SELECT screening_id, :bucket, last_modified, :walk_id FROM page
    ORDER BY screening_id
    ON CONFLICT (screening_id) DO UPDATE
    SET walk_id = excluded.walk_id, last_modified = excluded.last_modified
    WHERE l.walk_id < excluded.walk_id
),
moment AS (
    SELECT statement_timestamp() - make_interval(secs => :grace_s) AS grace
)
SELECT p.screening_id, a.screening_id IS NULL AS missing
FROM moment, page AS p LEFT JOIN arrivals AS a USING (screening_id)
WHERE
    CASE
        WHEN a.screening_id IS NULL THEN p.last_modified <= grace
        ELSE a.first_seen_at <= grace
            AND NOT EXISTS (SELECT FROM audit_records AS r WHERE r.screening_id = a.screening_id)
    END
""")

# Both sides are read in the order of their keys (merge join), from where the page before ended.
# With nothing stuck, one page reads every arrival: at a hundred million rows that takes minutes.
PATIENCE = text("SELECT set_config('statement_timeout', '30min', true)")

STUCK = text("""
SELECT a.screening_id, a.bucket, a.key, a.etag, a.version_id, a.size_bytes, a.last_modified, a.trace_id
FROM arrivals AS a
WHERE a.bucket = :bucket
    AND a.screening_id > :after
    AND a.first_seen_at <= statement_timestamp() - make_interval(secs => :grace_s)
    AND NOT EXISTS (
        SELECT FROM audit_records AS r
        WHERE r.screening_id = a.screening_id AND r.screening_id > :after
    )
ORDER BY a.screening_id
LIMIT :limit
""")

BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True)
class PageResult:
    """Of one page: never announced, and announced but without a terminal row; both older than the grace."""

    missing: set[UUID]
    stuck: set[UUID]


def begin_walk(connection: Connection, bucket: str) -> int:
    """The number of a new walk over `bucket`."""
    walk_id: int = connection.scalars(BEGIN, {"bucket": bucket}).one()
    return walk_id


def compare_page(
    connection: Connection,
    walk_id: int,
    listed: Sequence[tuple[UUID, datetime]],
    bucket: str,
    grace_s: float,
) -> PageResult:
    """Notes one page of (id, Last-Modified) as seen by the walk and says what of it was lost; one round trip.

    The grace counts from Last-Modified where nothing arrived, else from the arrival. The listings are durable
    once the caller's transaction is.
    """
    page = [{"screening_id": str(id_), "last_modified": at.isoformat()} for id_, at in dict(listed).items()]
    parameters = {"page": json.dumps(page), "bucket": bucket, "walk_id": walk_id, "grace_s": grace_s}
    found = connection.execute(COMPARE, parameters).all()
    return PageResult(
        missing={row.screening_id for row in found if row.missing},
        stuck={row.screening_id for row in found if not row.missing},
    )


def complete_walk(connection: Connection, walk_id: int, *, objects: int, emitted: int) -> None:
    """Says that the walk saw every page; the ledger counts by it from now on, or by a later complete one."""
    connection.execute(COMPLETE, {"walk_id": walk_id, "objects": objects, "emitted": emitted})


def stuck_arrivals(
    connection: Connection, bucket: str, grace_s: float, after: UUID | None, limit: int
) -> list[ImageArrived]:
    """At most `limit` arrivals older than the grace without a terminal row, listed or not, by rising id.

    They come as events of the reconciler, with their first trace. The next page begins `after` the id of the
    last one; fewer than `limit` means that there is none.
    """
    connection.execute(PATIENCE)
    parameters = {"bucket": bucket, "after": after or BEFORE_ALL, "grace_s": grace_s, "limit": limit}
    return [
        ImageArrived(
            bucket=row.bucket,
            key=row.key,
            etag=row.etag,
            version_id=row.version_id,
            size_bytes=row.size_bytes,
            last_modified=row.last_modified,
            trace_id=row.trace_id,
            door=Door.RECONCILER,
        )
        for row in connection.execute(STUCK, parameters)
    ]
