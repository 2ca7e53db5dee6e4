"""The only place that counts: what is known to exist, and what became of it.

known = listed ∪ arrived, by id      known = screened + rejected + superseded + in flight + missing

It reads the views of schema `audit`, so operators and auditors get the same numbers with their own roles.
"""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Connection, text

from evenscreen.schemas.errors import Fatal

# Counting may take longer than a screening transaction ever should, and sorts better in memory.
PATIENCE = text("""
SELECT set_config('statement_timeout', '30min', true), set_config('work_mem', '256MB', true)
""")

COUNT = text("""
WITH walk AS (
    SELECT DISTINCT ON (bucket) bucket, walk_id, started_at
    FROM audit.walks
    WHERE completed_at IS NOT NULL
    ORDER BY bucket, walk_id DESC
),
listed AS (
    SELECT l.screening_id, l.bucket, l.last_modified
    FROM audit.listings AS l JOIN walk AS w ON w.bucket = l.bucket AND l.walk_id >= w.walk_id
    WHERE l.bucket = coalesce(:bucket, l.bucket)
),
arrived AS (
    SELECT screening_id, bucket, last_modified
    FROM audit.arrivals
    WHERE bucket = coalesce(:bucket, bucket)
),
ended AS (
    SELECT
        screening_id,
        min(CASE outcome WHEN 'screened' THEN 1 WHEN 'rejected' THEN 2 ELSE 3 END) AS how,
        min(last_modified) AS last_modified
    FROM audit.screenings
    GROUP BY screening_id
),
image AS (
    SELECT
        coalesce(a.bucket, l.bucket) AS bucket,
        l.screening_id IS NOT NULL AS is_listed,
        a.screening_id IS NOT NULL AS is_arrived,
        e.how,
        a.screening_id IS NULL AND l.last_modified > statement_timestamp() - make_interval(secs => :grace_s)
            AS is_young,
        coalesce(l.last_modified, e.last_modified, a.last_modified) AS last_modified
    FROM arrived AS a
    FULL JOIN listed AS l ON l.screening_id = a.screening_id
    LEFT JOIN ended AS e ON e.screening_id = a.screening_id
)
SELECT
    count(*) FILTER (WHERE NOT is_young) AS known,
    count(*) FILTER (WHERE is_listed) AS listed,
    count(*) FILTER (WHERE is_arrived) AS arrived,
    count(*) FILTER (WHERE how = 1) AS screened,
    count(*) FILTER (WHERE how = 2) AS rejected,
    count(*) FILTER (WHERE how = 3) AS superseded,
    count(*) FILTER (WHERE is_arrived AND how IS NULL) AS in_flight,
    count(*) FILTER (WHERE NOT is_arrived AND NOT is_young) AS missing,
    count(*) FILTER (WHERE is_young) AS young,
    CASE
        WHEN bool_or(w.bucket IS NULL) THEN NULL
        ELSE (SELECT min(started_at) FROM walk WHERE bucket = coalesce(:bucket, bucket))
    END AS listed_at
FROM image AS i LEFT JOIN walk AS w ON w.bucket = i.bucket
WHERE i.last_modified >= coalesce(CAST(:since AS timestamptz), '-infinity')
    AND i.last_modified < coalesce(CAST(:until AS timestamptz), 'infinity')
""")


class Ledger(BaseModel):
    """Images (object versions) of a window, counted once each, in one snapshot."""

    model_config = ConfigDict(frozen=True)

    known: int
    """Listed or arrived, without the young ones."""
    listed: int
    """Seen by the last complete walk of their bucket, or by a later one; with the young ones."""
    arrived: int
    """Announced by a door and read by a worker."""
    screened: int
    """With a terminal row `screened` under any model; an object that is deleted afterwards stays screened."""
    rejected: int
    """Without one, but with a terminal row `rejected`."""
    superseded: int
    """With no terminal row but `superseded`."""
    in_flight: int
    """Arrived, no terminal row yet."""
    missing: int
    """Listed, never arrived, older than the grace."""
    young: int
    """Listed, never arrived, younger than the grace: not known yet, since the doors still have their time."""
    listed_at: AwareDatetime | None
    """Start of the last complete walk (the oldest of them, of several buckets): what stood then is listed.
    None when a bucket was never walked to its end."""


def ledger(
    connection: Connection,
    *,
    grace_s: float,
    since: datetime | None = None,
    until: datetime | None = None,
    bucket: str | None = None,
) -> Ledger:
    """The ledger of all images, of one bucket, or of a half-open UTC window [since, until) on Last-Modified.

    Last-Modified is the walk's, else the terminal row's, else the arrival's. One statement, so one snapshot.
    Raises Fatal when the numbers do not add up: then they are not to be trusted, and this file is wrong.
    """
    connection.execute(PATIENCE)
    parameters = {"grace_s": grace_s, "since": since, "until": until, "bucket": bucket}
    counted = Ledger.model_validate(dict(connection.execute(COUNT, parameters).mappings().one()))
    check_arithmetic(counted)
    return counted


def check_arithmetic(counted: Ledger) -> None:
    """Raises Fatal unless every known image is in exactly one state and known is the union of its sources."""
    ended = counted.screened + counted.rejected + counted.superseded
    states = ended + counted.in_flight + counted.missing
    union = counted.arrived + counted.missing  # what is known and did not arrive is missing
    if not counted.known == states == union or counted.listed < counted.missing + counted.young:
        raise Fatal(
            f"The ledger does not add up: {counted.known} known, {states} by state, {union} by source. "
            "This is a defect worth reporting."
        )
