"""The only place that counts: what is known to exist, and what became of it.

known = listed ∪ arrived, by id      known = screened + rejected + superseded + in flight + missing

It reads the views of schema `audit`, so operators and auditors get the same numbers with their own roles.
"""

from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Connection, text

from evenscreen.schemas.errors import Fatal

# Counting may take longer than a screening transaction ever should, and sorts better in memory.
PATIENCE = text("""
SELECT set_config('statement_timeout', '30min', true), set_config('work_mem', '256MB', true)
""")

COUNT = text("""
WITH walk AS NOT MATERIALIZED (
    SELECT DISTINCT ON (bucket) bucket, walk_id, started_at
    FROM audit.walks
    WHERE completed_at IS NOT NULL
    ORDER BY bucket, walk_id DESC
),
listed AS NOT MATERIALIZED (
    SELECT l.screening_id, l.bucket, l.last_modified, date_bin('1 day', l.last_modified, :origin) AS day
    FROM audit.listings AS l JOIN walk AS w ON w.bucket = l.bucket AND l.walk_id >= w.walk_id
    WHERE l.bucket = coalesce(:bucket, l.bucket)
),
arrived AS NOT MATERIALIZED (
    SELECT screening_id, bucket, last_modified, date_bin('1 day', last_modified, :origin) AS day
    FROM audit.arrivals
    WHERE bucket = coalesce(:bucket, bucket)
),
ended AS NOT MATERIALIZED (
    SELECT
        screening_id, last_modified, date_bin('1 day', last_modified, :origin) AS day,
        CASE outcome WHEN 'screened' THEN 1 WHEN 'rejected' THEN 2 ELSE 3 END AS how
    FROM audit.screenings
),
-- Days on which listings, arrivals and terminal rows hold the same images, each once, are settled: their
-- number and the sum of their hashes say so, and nothing need be looked up. Rows of all other days are
-- joined; an image whose rows bear different days unsettles each of them.
hashed AS (
    SELECT h.day, h.source, count(*) AS images, sum(uuid_hash_extended(h.screening_id, 0)) AS hashes
    FROM (
        SELECT day, how AS source, screening_id FROM ended
        UNION ALL
        SELECT day, 4, screening_id FROM arrived
        UNION ALL
        SELECT day, 5, screening_id FROM listed
    ) AS h
    GROUP BY h.day, h.source
),
days AS MATERIALIZED (
    SELECT
        h.day,
        coalesce(sum(h.images) FILTER (WHERE h.source = 1), 0) AS screened,
        coalesce(sum(h.images) FILTER (WHERE h.source = 2), 0) AS rejected,
        coalesce(sum(h.images) FILTER (WHERE h.source = 3), 0) AS superseded,
        coalesce(sum(h.images) FILTER (WHERE h.source = 4), 0) AS arrived,
        CAST(:bucket AS text) IS NULL
            AND ROW(sum(h.images) FILTER (WHERE h.source < 4), sum(h.hashes) FILTER (WHERE h.source < 4))
                = ROW(sum(h.images) FILTER (WHERE h.source = 4), sum(h.hashes) FILTER (WHERE h.source = 4))
            AND ROW(sum(h.images) FILTER (WHERE h.source = 5), sum(h.hashes) FILTER (WHERE h.source = 5))
                = ROW(sum(h.images) FILTER (WHERE h.source = 4), sum(h.hashes) FILTER (WHERE h.source = 4))
            AND (h.day >= coalesce(CAST(:since AS timestamptz), '-infinity')
                OR h.day + interval '1 day' <= coalesce(CAST(:since AS timestamptz), '-infinity'))
            AND (h.day + interval '1 day' <= coalesce(CAST(:until AS timestamptz), 'infinity')
                OR h.day >= coalesce(CAST(:until AS timestamptz), 'infinity')) AS is_settled
    FROM hashed AS h
    GROUP BY h.day
),
settled AS (
    SELECT
        coalesce(sum(d.arrived), 0) AS images, coalesce(sum(d.screened), 0) AS screened,
        coalesce(sum(d.rejected), 0) AS rejected, coalesce(sum(d.superseded), 0) AS superseded
    FROM days AS d
    WHERE d.is_settled
        AND d.day >= coalesce(CAST(:since AS timestamptz), '-infinity')
        AND d.day < coalesce(CAST(:until AS timestamptz), 'infinity')
),
unsettled AS MATERIALIZED (
    SELECT d.day FROM days AS d
    WHERE d.is_settled IS NOT TRUE AND EXISTS (
        SELECT FROM days AS o
        WHERE o.is_settled IS NOT TRUE
            AND o.day + interval '1 day' > coalesce(CAST(:since AS timestamptz), '-infinity')
            AND o.day < coalesce(CAST(:until AS timestamptz), 'infinity')
    )
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
    FROM (SELECT * FROM arrived WHERE day IN (SELECT day FROM unsettled)) AS a
    FULL JOIN (SELECT * FROM listed WHERE day IN (SELECT day FROM unsettled)) AS l
        ON l.screening_id = a.screening_id
    LEFT JOIN (
        SELECT screening_id, min(how) AS how, min(last_modified) AS last_modified
        FROM ended
        WHERE day IN (SELECT day FROM unsettled)
        GROUP BY screening_id
    ) AS e ON e.screening_id = a.screening_id
),
joined AS (
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
        bool_or(w.bucket IS NULL) AS is_unwalked
    FROM image AS i LEFT JOIN walk AS w ON w.bucket = i.bucket
    WHERE i.last_modified >= coalesce(CAST(:since AS timestamptz), '-infinity')
        AND i.last_modified < coalesce(CAST(:until AS timestamptz), 'infinity')
)
SELECT
    j.known + s.images AS known, j.listed + s.images AS listed, j.arrived + s.images AS arrived,
    j.screened + s.screened AS screened, j.rejected + s.rejected AS rejected,
    j.superseded + s.superseded AS superseded, j.in_flight, j.missing, j.young,
    CASE
        WHEN j.is_unwalked THEN NULL
        ELSE (SELECT min(started_at) FROM walk WHERE bucket = coalesce(:bucket, bucket))
    END AS listed_at
FROM joined AS j CROSS JOIN settled AS s
""")
NO_DAY = datetime(2000, 1, 1, tzinfo=UTC)


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
    # Days end where the window does, so that the last one is a whole one.
    origin = until or since or NO_DAY
    parameters = {"grace_s": grace_s, "since": since, "until": until, "bucket": bucket, "origin": origin}
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
