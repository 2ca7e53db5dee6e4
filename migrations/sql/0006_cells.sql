-- Groups and counts read the sums. The functions of revision 0003 keep their names and what they answer.

CREATE OR REPLACE FUNCTION figures.group_keys(as_of timestamptz, model text, dimension text, source text)
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
        SELECT figures.group_name(group_keys.dimension, d.dimension, d.value)
        FROM figures.changes(as_of) AS c
        CROSS JOIN LATERAL figures.groups_of(
            c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        ) AS d
        WHERE c.model_version = model
            AND figures.is_asked(group_keys.dimension, source, d.dimension, d.fst_source)
    ) AS k;
END;

CREATE FUNCTION figures.numbered_groups(model text, dimension text, source text, keys text[])
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
    GROUP BY g.group_id;
END;
COMMENT ON FUNCTION figures.numbered_groups(text, text, text, text[]) IS
    'Groups that a question means, with their place in keys.';

CREATE FUNCTION figures.group_places(model text, dimension text, source text, keys text[]) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT array_agg(coalesce(n.group_index, 0) ORDER BY i.group_id)
    FROM generate_series(1, (SELECT max(g.group_id) FROM public.audit_groups AS g)) AS i(group_id)
    LEFT JOIN figures.numbered_groups(model, dimension, source, keys) AS n ON n.group_id = i.group_id;
END;
COMMENT ON FUNCTION figures.group_places(text, text, text, text[]) IS
    'The place in keys of every group, by its group_id; 0 where the question does not mean it.';

CREATE OR REPLACE FUNCTION figures.grouped(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[],
    through integer
)
RETURNS TABLE (
    sign integer,
    group_index integer,
    patient bigint,
    outcome text,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean,
    score integer,
    latency_ms integer,
    site text,
    verification_reason text,
    sampling_probability double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        e.sign::integer, g.group_index, coalesce(e.patient_number, -e.audit_id), s.outcome,
        s.reason, s.flagged, s.malignant, s.contradictory, e.score::integer, e.latency_ms, s.site,
        s.verification_reason, e.sampling_probability
    FROM public.audit_entries AS e
    JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
    -- A list to look the group up in, where a join would tell the planner of very few cases.
    CROSS JOIN LATERAL (
        SELECT (SELECT figures.group_places(model, dimension, source, keys))[
            s.group_ids[(figures.dimension_numbers(dimension))[1]]
        ] AS group_index
    ) AS g
    WHERE g.group_index <> 0 AND e.last_modified >= since AND e.last_modified < until
        AND e.increment_id <= through
    UNION ALL
    SELECT
        c.sign::integer, array_position(keys, k.group_key),
        coalesce(c.patient_number, -c.audit_id), c.outcome, c.reason, c.flagged, c.malignant,
        c.contradictory, c.score::integer, c.latency_ms, c.site, c.verification_reason,
        c.sampling_probability
    FROM figures.changes(as_of) AS c
    CROSS JOIN LATERAL (
        SELECT figures.group_key(
            dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        ) AS group_key
    ) AS k
    WHERE c.last_modified >= since AND c.last_modified < until
        AND c.model_version = model AND figures.in_question(dimension, source, c.fst_source);
END;

CREATE OR REPLACE FUNCTION figures.cells(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
)
RETURNS TABLE (
    group_index integer,
    outcome text,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean,
    score integer,
    images bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        c.group_index, c.outcome, c.reason, c.flagged, c.malignant, c.contradictory, c.score,
        sum(c.images)::bigint
    FROM (
        SELECT
            g.group_index, g.outcome, g.reason, g.flagged, g.malignant, g.contradictory, g.score,
            sum(g.sign)::bigint AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases'
        GROUP BY g.score, g.group_index, g.flagged, g.malignant, g.contradictory, g.outcome, g.reason
        UNION ALL
        SELECT
            g.group_index, k.outcome, k.reason, k.flagged, k.malignant, k.contradictory, s.number, s.images
        FROM figures.counted(
            since, until, through, model, source, figures.dimension_numbers(dimension), false
        ) AS s
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = s.group_id
        JOIN public.audit_kinds AS k ON k.kind_id = s.kind_id
        WHERE basis = 'histogram'
        UNION ALL
        SELECT
            array_position(keys, figures.group_name(cells.dimension, d.dimension, d.value)),
            n.outcome, n.reason, n.flagged, n.malignant, n.contradictory,
            n.score::integer, n.sign
        FROM figures.changes(as_of) AS n
        CROSS JOIN LATERAL figures.groups_of(
            n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        ) AS d
        WHERE basis = 'histogram' AND n.last_modified >= since AND n.last_modified < until
            AND n.model_version = model AND figures.is_asked(cells.dimension, source, d.dimension, d.fst_source)
    ) AS c
    GROUP BY c.score, c.group_index, c.flagged, c.malignant, c.contradictory, c.outcome, c.reason
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION figures.cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Images per group, outcome and exact score; basis: cases, or histogram, where sums of periods are used.';

CREATE FUNCTION figures.latency_cells(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
)
RETURNS TABLE (group_index integer, latency_ms integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT l.group_index, l.latency_ms, sum(l.images)::bigint
    FROM (
        SELECT g.group_index, g.latency_ms, sum(g.sign)::bigint AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases' AND g.outcome <> 'superseded' AND g.latency_ms IS NOT NULL
        GROUP BY g.group_index, g.latency_ms
        UNION ALL
        SELECT g.group_index, s.number, s.images
        FROM figures.counted(
            since, until, through, model, source, figures.dimension_numbers(dimension), true
        ) AS s
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = s.group_id
        WHERE basis = 'histogram'
        UNION ALL
        SELECT
            array_position(keys, figures.group_name(latency_cells.dimension, d.dimension, d.value)),
            n.latency_ms, n.sign
        FROM figures.changes(as_of) AS n
        CROSS JOIN LATERAL figures.groups_of(
            n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        ) AS d
        WHERE basis = 'histogram' AND n.outcome <> 'superseded' AND n.latency_ms IS NOT NULL
            AND n.last_modified >= since AND n.last_modified < until AND n.model_version = model
            AND figures.is_asked(latency_cells.dimension, source, d.dimension, d.fst_source)
    ) AS l
    GROUP BY l.group_index, l.latency_ms
    HAVING sum(l.images) <> 0;
END;
COMMENT ON FUNCTION
    figures.latency_cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Images screened or rejected per group and latency; basis as in figures.cells.';

CREATE FUNCTION figures.latencies(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
)
RETURNS TABLE (group_index integer, p50_s double precision, p95_s double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        r.group_index,
        (min(r.latency_ms) FILTER (WHERE r.rank >= 0.50 * r.n) / 1000.0)::double precision,
        (min(r.latency_ms) FILTER (WHERE r.rank >= 0.95 * r.n) / 1000.0)::double precision
    FROM (
        SELECT
            l.group_index, l.latency_ms,
            sum(l.images) OVER (PARTITION BY l.group_index ORDER BY l.latency_ms) AS rank,
            sum(l.images) OVER (PARTITION BY l.group_index) AS n
        FROM figures.latency_cells(since, until, as_of, model, dimension, source, basis, keys, through) AS l
    ) AS r
    GROUP BY r.group_index;
END;
COMMENT ON FUNCTION figures.latencies(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Percentiles of the latency per group, as percentile_disc finds them, to the millisecond.';
