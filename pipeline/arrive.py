"""Step 2 of a batch: say that the images exist, and learn which of them have ended already."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from evenscreen.schemas.events import ImageArrived

# Sorted by id, so that two workers with the same images wait for each other instead of deadlocking.
ARRIVE = text("""
WITH event AS (
    SELECT *
    FROM json_to_recordset(:events) AS e(
        screening_id uuid, bucket text, key text, etag text, version_id text, size_bytes bigint,
        last_modified timestamptz, door text, trace_id uuid, rescreen boolean
    )
),
arrived AS (
    INSERT INTO arrivals
        (screening_id, bucket, key, etag, version_id, size_bytes, last_modified, door, trace_id)
    SELECT screening_id, bucket, key, etag, version_id, size_bytes, last_modified, door, trace_id
    FROM event
    ORDER BY screening_id
    ON CONFLICT DO NOTHING
),
wanted AS (
    SELECT screening_id, bool_or(rescreen) AS rescreen FROM event GROUP BY screening_id
)
SELECT screening_id
FROM wanted AS w
WHERE EXISTS (
    SELECT FROM audit_records AS r
    WHERE r.screening_id = w.screening_id AND (NOT w.rescreen OR r.model_version = :model_version)
)
""")


def arrive(connection: Connection, events: Sequence[ImageArrived], model_version: str) -> set[UUID]:
    """Writes what is not in `arrivals` yet and returns the ids that need no work, in one round trip.

    An id needs none when it has a terminal row under any model; if one of its events asks to rescreen, only
    a row under `model_version` counts. Any number of events may speak of one image. The arrivals are durable
    once the caller's transaction is, which must be before the fetch.
    """
    if not events:
        return set()
    parameters = {
        "events": json.dumps([_row(event) for event in events], ensure_ascii=False),
        "model_version": model_version,
    }
    return set(connection.scalars(ARRIVE, parameters))


def _row(event: ImageArrived) -> dict[str, object]:
    return {**event.model_dump(mode="json"), "screening_id": str(event.screening_id)}
