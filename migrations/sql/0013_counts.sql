-- Counts of scores and latencies in one pass, one group after the other: its counts fit into the processor's cache,
-- those of all do not.

CREATE FUNCTION figures.tallied(
    since timestamptz, until timestamptz, through integer, group_ids integer[], dimensions integer[],
    latencies boolean
)
RETURNS TABLE (group_id integer, kind_id integer, number integer, images integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 100000
AS $$
#variable_conflict use_column
DECLARE
    period_ids integer[] := ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p);
BEGIN
    RETURN QUERY
    WITH beside AS MATERIALIZED (
        SELECT
            r.group_ids[d.number] AS group_id, array_agg(r.kind_id) AS kind_ids, array_agg(r.score) AS scores,
            array_agg(r.latency_ms) AS latencies_ms, array_agg(r.sign) AS signs
        FROM (
            SELECT
                t.group_ids, t.kind_id, e.score::integer AS score, e.sign::integer AS sign,
                CASE WHEN t.outcome <> 'superseded' THEN e.latency_ms END AS latency_ms
            FROM figures.unsummed(since, until, through) AS e
            JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
            -- Cases first, then their dimensions: the other way round is all strata times all dimensions.
            OFFSET 0
        ) AS r
        CROSS JOIN unnest(dimensions) AS d(number)
        GROUP BY r.group_ids[d.number]
    ),
    wanted AS MATERIALIZED (
        SELECT
            g.group_id, b.kind_ids, b.scores, b.latencies_ms, b.signs,
            -- Nobody asks for latencies of skin types at sites.
            tallied.latencies AND g.number <= 10 AS has_latencies
        FROM unnest(group_ids) AS i(group_id)
        JOIN public.audit_groups AS g ON g.group_id = i.group_id
        LEFT JOIN beside AS b ON b.group_id = i.group_id
    )
    SELECT w.group_id, c.kind_id, c.number, c.images
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT n.kind_id, n.number, sum(n.images)::integer AS images
        FROM (
            -- In the list of results, where unnest() hands on one number after the other; in FROM it stores them.
            SELECT s.kind_id, unnest(s.numbers) AS number, unnest(s.images) AS images
            FROM public.audit_sums AS s
            WHERE s.group_id = w.group_id AND s.period_id = ANY (period_ids)
                AND (s.kind_id <> 0 OR w.has_latencies)
            UNION ALL
            SELECT unnest(w.kind_ids), unnest(w.scores), unnest(w.signs)
            UNION ALL
            SELECT 0, l.latency_ms, l.sign
            FROM (SELECT unnest(w.latencies_ms) AS latency_ms, unnest(w.signs) AS sign WHERE w.has_latencies) AS l
            WHERE l.latency_ms IS NOT NULL
        ) AS n
        GROUP BY n.number, n.kind_id
        HAVING sum(n.images) <> 0
    ) AS c;
END;
$$;
COMMENT ON FUNCTION figures.tallied(timestamptz, timestamptz, integer, integer[], integer[], boolean) IS
    'How many images of a window each of some groups has by kind and score and, under kind 0, by latency in ms if '
    'asked for: from sums of periods and the rows beside them. The groups are of these dimensions.';

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
        dimensions, latencies
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
    SELECT t.group_id, t.kind_id, array_agg(t.number), array_agg(t.images)
    FROM figures.tallied(
        since, until, through,
        ARRAY(SELECT g.group_id FROM public.audit_groups AS g WHERE g.number BETWEEN first AND last),
        ARRAY(SELECT generate_series(first, last)), true
    ) AS t
    GROUP BY t.group_id, t.kind_id;
END;
$$;

CREATE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[],
    latencies boolean
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
    FROM figures.tallied(
        since, until, through, ARRAY(SELECT g.group_id FROM groups AS g), figures.dimension_numbers(dimension),
        latencies
    ) AS t
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
    'ms if asked for; basis is histogram or cases. What no increment has seen stands in rows of its own: to be added up.';

CREATE OR REPLACE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer
)
RETURNS TABLE (group_index integer, code integer, reason text, score integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.group_index, c.code, c.reason, c.number, c.images::bigint
    FROM figures.coded(
        since, until, as_of, model, dimension, source, basis, keys, through,
        figures.fresh(since, until, as_of, model, dimension, source), false
    ) AS c;
END;
