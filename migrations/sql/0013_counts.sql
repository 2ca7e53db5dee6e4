-- Counts of scores and latencies in one pass over the sums, one group after the other: its counts fit into the
-- processor's cache, those of all do not.

CREATE FUNCTION figures.tallied(
    since timestamptz, until timestamptz, through integer, group_ids integer[], latencies boolean
)
RETURNS TABLE (group_id integer, kind_id integer, number integer, images integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 100000
AS $$
#variable_conflict use_column
DECLARE
    period_ids integer[] := ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p);
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        -- Nobody asks for latencies of skin types at sites.
        SELECT g.group_id, g.number, tallied.latencies AND g.number <= 10 AS has_latencies
        FROM public.audit_groups AS g
        WHERE g.group_id = ANY (group_ids)
    ),
    beside AS MATERIALIZED (
        SELECT
            t.group_ids, t.kind_id, e.score::integer AS score, e.sign::integer AS sign,
            CASE WHEN t.outcome <> 'superseded' THEN e.latency_ms END AS latency_ms
        FROM figures.unsummed(since, until, through) AS e
        JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
    )
    SELECT w.group_id, c.kind_id, c.number, c.images
    -- The large groups last: what one group needed is cleared for each that follows.
    FROM (SELECT * FROM wanted ORDER BY number DESC) AS w
    CROSS JOIN LATERAL (
        SELECT n.kind_id, n.number, sum(n.images)::integer AS images
        FROM (
            -- In the list of results, where unnest() hands on one number after the other; in FROM it stores them.
            SELECT s.kind_id, unnest(s.numbers) AS number, unnest(s.images) AS images
            FROM public.audit_sums AS s
            WHERE s.group_id = w.group_id AND s.period_id = ANY (period_ids)
                AND (s.kind_id <> 0 OR w.has_latencies)
        ) AS n
        GROUP BY n.number, n.kind_id
    ) AS c
    UNION ALL
    SELECT c.group_id, c.kind_id, c.number, c.images
    FROM (SELECT DISTINCT number, has_latencies FROM wanted) AS d
    CROSS JOIN LATERAL (
        SELECT n.group_id, n.kind_id, n.number, sum(n.sign)::integer AS images
        FROM (
            SELECT b.group_ids[d.number] AS group_id, b.kind_id, b.score AS number, b.sign FROM beside AS b
            UNION ALL
            SELECT b.group_ids[d.number], 0, b.latency_ms, b.sign
            FROM beside AS b
            WHERE d.has_latencies AND b.latency_ms IS NOT NULL
        ) AS n
        JOIN wanted AS w ON w.group_id = n.group_id
        GROUP BY n.number, n.group_id, n.kind_id
    ) AS c;
END;
$$;
COMMENT ON FUNCTION figures.tallied(timestamptz, timestamptz, integer, integer[], boolean) IS
    'How many images of a window each of some groups has by kind and score and, under kind 0, by latency in ms if '
    'asked for: from sums of periods and, in rows of their own, from the images beside them, to be added up.';

CREATE OR REPLACE FUNCTION figures.counted(
    since timestamptz, until timestamptz, through integer, model text, source text, dimensions integer[],
    latencies boolean
)
RETURNS TABLE (group_id integer, kind_id integer, number integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT t.group_id, t.kind_id, t.number, t.images::bigint
    FROM figures.tallied(
        since, until, through,
        ARRAY(
            SELECT g.group_id
            FROM public.audit_groups AS g
            WHERE (model IS NULL OR g.model_version = model) AND g.number = ANY (dimensions)
                AND (source IS NULL OR g.fst_source IS NULL OR g.fst_source = source)
        ),
        latencies
    ) AS t
    WHERE (t.kind_id = 0) = latencies;
END;

CREATE OR REPLACE FUNCTION figures.summed_dimensions(
    since timestamptz, until timestamptz, through integer, first integer, last integer
)
RETURNS TABLE (group_id integer, kind_id integer, numbers integer[], images integer[])
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 1000
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.group_id, c.kind_id, array_agg(c.number), array_agg(c.images)
    FROM (
        SELECT t.group_id, t.kind_id, t.number, sum(t.images)::integer AS images
        FROM figures.tallied(
            since, until, through,
            ARRAY(SELECT g.group_id FROM public.audit_groups AS g WHERE g.number BETWEEN first AND last), true
        ) AS t
        GROUP BY t.number, t.group_id, t.kind_id
        HAVING sum(t.images) <> 0
    ) AS c
    GROUP BY c.group_id, c.kind_id;
END;
$$;

CREATE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[], latencies boolean
)
RETURNS TABLE (group_index integer, code integer, reason text, number integer, images integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH kinds AS MATERIALIZED (
        SELECT
            t.kind_id, t.reason, figures.kind_code(t.outcome, t.flagged, t.malignant, t.contradictory) AS code
        FROM public.audit_kinds AS t
        UNION ALL
        SELECT 0, NULL, -1
    ),
    groups AS MATERIALIZED (
        SELECT g.group_id, g.group_index FROM figures.numbered_groups(model, dimension, source, keys) AS g
    )
    SELECT g.group_index, k.code, k.reason, t.number, t.images
    FROM figures.tallied(since, until, through, ARRAY(SELECT g.group_id FROM groups AS g), latencies) AS t
    JOIN groups AS g ON g.group_id = t.group_id
    JOIN kinds AS k ON k.kind_id = t.kind_id
    WHERE basis = 'histogram'
    UNION ALL
    SELECT array_position(keys, f.key), f.code, f.reason, f.number, f.images
    FROM unnest(fresh) AS f
    WHERE basis = 'histogram' AND f.key = ANY (keys) AND (f.code >= 0 OR latencies)
    UNION ALL
    SELECT c.group_index, c.code, c.reason, c.number, sum(c.sign)::integer
    FROM (
        SELECT g.group_index, n.code, n.reason, n.number, g.sign
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        CROSS JOIN LATERAL (
            SELECT
                figures.kind_code(g.outcome, g.flagged, g.malignant, g.contradictory) AS code, g.reason,
                g.score AS number
            UNION ALL
            SELECT -1, NULL, g.latency_ms
            WHERE latencies AND g.outcome <> 'superseded' AND g.latency_ms IS NOT NULL
        ) AS n
        WHERE basis = 'cases'
    ) AS c
    GROUP BY c.number, c.group_index, c.code, c.reason
    HAVING sum(c.sign) <> 0;
END;
COMMENT ON FUNCTION figures.coded(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[], boolean
) IS
    'Images by group, figures.kind_code, reason of rejection and exact score, and, with a code of -1, by latency in '
    'ms if asked for; basis is histogram or cases. From sums there may be several rows of a kind, to be added up.';

CREATE OR REPLACE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer
)
RETURNS TABLE (group_index integer, code integer, reason text, score integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.group_index, c.code, c.reason, c.number, sum(c.images)
    FROM figures.coded(
        since, until, as_of, model, dimension, source, basis, keys, through,
        figures.fresh(since, until, as_of, model, dimension, source), false
    ) AS c
    GROUP BY c.number, c.group_index, c.code, c.reason
    HAVING sum(c.images) <> 0;
END;
