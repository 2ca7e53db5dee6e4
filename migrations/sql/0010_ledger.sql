-- The ledger of revision 0008 without a join for every listing.

CREATE OR REPLACE FUNCTION audit.ledger(
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    grace_s double precision DEFAULT 300,
    bucket text DEFAULT NULL
)
RETURNS TABLE (
    known bigint,
    listed bigint,
    arrived bigint,
    screened bigint,
    rejected bigint,
    superseded bigint,
    in_flight bigint,
    missing bigint,
    young bigint,
    listed_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH walk AS NOT MATERIALIZED (
        SELECT DISTINCT ON (bucket) bucket, walk_id, started_at
        FROM audit.walks
        WHERE completed_at IS NOT NULL
        ORDER BY bucket, walk_id DESC
    ),
    -- A list of few numbers, as millions of listings are compared with it.
    current AS NOT MATERIALIZED (
        SELECT c.walk_id FROM audit.walks AS c JOIN walk AS w ON w.bucket = c.bucket AND c.walk_id >= w.walk_id
    ),
    -- Days end where the window does, so that the last one is a whole one.
    listed AS NOT MATERIALIZED (
        SELECT
            l.screening_id, l.bucket, l.last_modified,
            date_bin('1 day', l.last_modified, coalesce(ledger.until, ledger.since, '2000-01-01 00:00+00')) AS day
        FROM audit.listings AS l
        WHERE l.walk_id = ANY (ARRAY(SELECT c.walk_id FROM current AS c))
            AND (ledger.bucket IS NULL OR l.bucket = ledger.bucket)
    ),
    arrived AS NOT MATERIALIZED (
        SELECT
            screening_id, bucket, last_modified,
            date_bin('1 day', last_modified, coalesce(ledger.until, ledger.since, '2000-01-01 00:00+00')) AS day
        FROM audit.arrivals AS a
        WHERE ledger.bucket IS NULL OR a.bucket = ledger.bucket
    ),
    ended AS NOT MATERIALIZED (
        SELECT
            screening_id, last_modified,
            date_bin('1 day', last_modified, coalesce(ledger.until, ledger.since, '2000-01-01 00:00+00')) AS day,
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
            ledger.bucket IS NULL
                AND ROW(sum(h.images) FILTER (WHERE h.source < 4), sum(h.hashes) FILTER (WHERE h.source < 4))
                    = ROW(sum(h.images) FILTER (WHERE h.source = 4), sum(h.hashes) FILTER (WHERE h.source = 4))
                AND ROW(sum(h.images) FILTER (WHERE h.source = 5), sum(h.hashes) FILTER (WHERE h.source = 5))
                    = ROW(sum(h.images) FILTER (WHERE h.source = 4), sum(h.hashes) FILTER (WHERE h.source = 4))
                AND (h.day >= coalesce(ledger.since, '-infinity')
                    OR h.day + interval '1 day' <= coalesce(ledger.since, '-infinity'))
                AND (h.day + interval '1 day' <= coalesce(ledger.until, 'infinity')
                    OR h.day >= coalesce(ledger.until, 'infinity')) AS is_settled
        FROM hashed AS h
        GROUP BY h.day
    ),
    settled AS (
        SELECT
            coalesce(sum(d.arrived), 0) AS images, coalesce(sum(d.screened), 0) AS screened,
            coalesce(sum(d.rejected), 0) AS rejected, coalesce(sum(d.superseded), 0) AS superseded
        FROM days AS d
        WHERE d.is_settled
            AND d.day >= coalesce(ledger.since, '-infinity')
            AND d.day < coalesce(ledger.until, 'infinity')
    ),
    unsettled AS MATERIALIZED (
        SELECT d.day FROM days AS d
        WHERE d.is_settled IS NOT TRUE AND EXISTS (
            SELECT FROM days AS o
            WHERE o.is_settled IS NOT TRUE
                AND o.day + interval '1 day' > coalesce(ledger.since, '-infinity')
                AND o.day < coalesce(ledger.until, 'infinity')
        )
    ),
    image AS (
        SELECT
            coalesce(a.bucket, l.bucket) AS bucket,
            l.screening_id IS NOT NULL AS is_listed,
            a.screening_id IS NOT NULL AS is_arrived,
            e.how,
            a.screening_id IS NULL AND l.last_modified
                > statement_timestamp() - make_interval(secs => coalesce(ledger.grace_s, 300)) AS is_young,
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
        WHERE i.last_modified >= coalesce(ledger.since, '-infinity')
            AND i.last_modified < coalesce(ledger.until, 'infinity')
    )
    SELECT
        (j.known + s.images)::bigint, (j.listed + s.images)::bigint, (j.arrived + s.images)::bigint,
        (j.screened + s.screened)::bigint, (j.rejected + s.rejected)::bigint,
        (j.superseded + s.superseded)::bigint, j.in_flight, j.missing, j.young,
        CASE
            WHEN j.is_unwalked THEN NULL
            ELSE (SELECT min(started_at) FROM walk WHERE bucket = coalesce(ledger.bucket, bucket))
        END
    FROM joined AS j CROSS JOIN settled AS s;
END;
