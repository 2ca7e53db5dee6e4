-- Descriptive figures of any window, faster: what no increment has seen is looked for once.

CREATE TYPE figures.fresh_count AS (
    key text,
    code integer,
    reason text,
    number integer,
    images integer
);
COMMENT ON TYPE figures.fresh_count IS
    'Images that no increment has seen, by group and figures.kind_code: number is a score, or, with a code of -1, '
    'a latency in ms.';

CREATE FUNCTION figures.fresh(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text
)
RETURNS figures.fresh_count[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN ARRAY(
        WITH cases AS MATERIALIZED (
            SELECT
                k.key, figures.kind_code(c.outcome, c.flagged, c.malignant, c.contradictory) AS code, c.reason,
                c.score::integer AS score, c.sign::integer AS sign,
                CASE WHEN c.outcome <> 'superseded' THEN c.latency_ms END AS latency_ms
            FROM figures.changes(as_of) AS c
            CROSS JOIN LATERAL (
                SELECT figures.group_key(
                    dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
                ) AS key
                WHERE dimension <> '*' AND figures.in_question(dimension, source, c.fst_source)
                UNION ALL
                SELECT figures.group_name(fresh.dimension, d.dimension, d.value)
                FROM figures.groups_of(
                    c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
                ) AS d
                WHERE fresh.dimension = '*'
                    AND figures.is_asked(fresh.dimension, source, d.dimension, d.fst_source)
            ) AS k
            WHERE c.last_modified >= since AND c.last_modified < until AND c.model_version = model
        )
        SELECT ROW(c.key, c.code, c.reason, c.score, sum(c.sign))::figures.fresh_count
        FROM cases AS c
        GROUP BY c.score, c.key, c.code, c.reason
        UNION ALL
        SELECT ROW(c.key, -1, NULL, c.latency_ms, sum(c.sign))::figures.fresh_count
        FROM cases AS c
        WHERE c.latency_ms IS NOT NULL
        GROUP BY c.latency_ms, c.key
    );
END;
$$;
COMMENT ON FUNCTION figures.fresh(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'What no increment has seen yet, as a list to be found once and read several times. dimension may be * for all.';

CREATE FUNCTION figures.group_keys(fresh figures.fresh_count[], model text, dimension text, source text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(k.key ORDER BY k.key), '{}')
    FROM (
        SELECT figures.group_name(group_keys.dimension, g.dimension, g.value) AS key
        FROM public.audit_groups AS g
        WHERE g.model_version = model
            AND figures.is_asked(group_keys.dimension, source, g.dimension, g.fst_source)
        UNION
        SELECT f.key FROM unnest(fresh) AS f
    ) AS k;
END;
COMMENT ON FUNCTION figures.group_keys(figures.fresh_count[], text, text, text) IS
    'The groups that a question finds, as figures.group_key or figures.group_name name them, in order.';

CREATE OR REPLACE FUNCTION figures.group_keys(as_of timestamptz, model text, dimension text, source text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN figures.group_keys(
    figures.fresh('-infinity', 'infinity', as_of, model, dimension, source), model, dimension, source
);

CREATE OR REPLACE FUNCTION figures.numbered_groups(model text, dimension text, source text, keys text[])
RETURNS TABLE (group_id integer, number smallint, group_index integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        g.group_id, g.number,
        array_position(keys, figures.group_name(numbered_groups.dimension, g.dimension, g.value))
    FROM public.audit_groups AS g
    WHERE g.model_version = model
        AND figures.is_asked(numbered_groups.dimension, source, g.dimension, g.fst_source)
    -- Groups nothing, as the key is unique; keeps the search above from being done once per case.
    GROUP BY g.group_id
    -- figures.histogram asks for half of them at a time.
    HAVING array_position(keys, figures.group_name(numbered_groups.dimension, g.dimension, g.value)) IS NOT NULL;
END;
COMMENT ON FUNCTION figures.numbered_groups(text, text, text, text[]) IS
    'Groups that a question means, of those in keys, with their place there.';

CREATE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS TABLE (group_index integer, code integer, reason text, score integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH kinds AS MATERIALIZED (
        SELECT
            t.kind_id, t.reason, figures.kind_code(t.outcome, t.flagged, t.malignant, t.contradictory) AS code
        FROM public.audit_kinds AS t
    )
    SELECT c.group_index, c.code, c.reason, c.score, sum(c.images)
    FROM (
        SELECT
            g.group_index, figures.kind_code(g.outcome, g.flagged, g.malignant, g.contradictory) AS code,
            g.reason, g.score, g.sign AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases'
        UNION ALL
        SELECT g.group_index, k.code, k.reason, u.number, u.images
        FROM public.audit_sums AS s
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = s.group_id
        JOIN kinds AS k ON k.kind_id = s.kind_id
        CROSS JOIN LATERAL unnest(s.numbers, s.images) AS u(number, images)
        -- A list, which an index finds also where the planner knows nothing of the table yet.
        WHERE basis = 'histogram'
            AND s.period_id = ANY (ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p))
        UNION ALL
        SELECT g.group_index, k.code, k.reason, r.score, r.sign
        FROM (
            SELECT t.group_ids, t.kind_id, e.score::integer AS score, e.sign::integer AS sign
            FROM figures.unsummed(since, until, through) AS e
            JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
            WHERE basis = 'histogram'
            -- Cases first, then their dimensions: the other way round is all strata times all dimensions.
            OFFSET bigint '0'
        ) AS r
        JOIN kinds AS k ON k.kind_id = r.kind_id
        CROSS JOIN LATERAL unnest(figures.dimension_numbers(dimension)) AS d(number)
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = r.group_ids[d.number]
        UNION ALL
        SELECT array_position(keys, f.key), f.code, f.reason, f.number, f.images
        FROM unnest(fresh) AS f
        WHERE basis = 'histogram' AND f.code >= 0 AND f.key = ANY (keys)
    ) AS c
    GROUP BY c.score, c.group_index, c.code, c.reason
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION figures.coded(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Images by group, figures.kind_code, reason of rejection and exact score; basis is histogram or cases.';

CREATE OR REPLACE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer
)
RETURNS TABLE (group_index integer, code integer, reason text, score integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.*
    FROM figures.coded(
        since, until, as_of, model, dimension, source, basis, keys, through,
        figures.fresh(since, until, as_of, model, dimension, source)
    ) AS c;
END;

