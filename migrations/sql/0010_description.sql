-- What figures are made of once images are counted.

CREATE FUNCTION figures.described(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS TABLE (
    group_index integer,
    images bigint,
    screened bigint,
    rejected bigint,
    superseded bigint,
    rejected_by_reason jsonb,
    flagged bigint,
    with_outcome bigint,
    flagged_with_outcome bigint,
    contradictory bigint,
    positives bigint,
    negatives bigint,
    true_positives bigint,
    true_negatives bigint,
    rejected_positives bigint,
    auroc double precision,
    brier double precision,
    residual double precision,
    ece double precision,
    ece_floor double precision,
    squared_error double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH cells AS MATERIALIZED (
        -- As integer, whose sums stay integers: sums of bigint are numeric, and slow where they run along a window.
        SELECT c.group_index, c.code, c.reason, c.score, c.images::integer AS images
        FROM figures.coded(
            since, until, as_of, model, dimension, source, basis, keys, through, fresh
        ) AS c
    ),
    kinds AS MATERIALIZED (
        SELECT c.group_index, c.code, c.reason, sum(c.images)::bigint AS images
        FROM cells AS c
        GROUP BY c.group_index, c.code, c.reason
    ),
    counts AS (
        SELECT
            k.group_index,
            sum(k.images) FILTER (WHERE k.code & 3 > 0) AS images,
            sum(k.images) FILTER (WHERE k.code & 1 > 0) AS screened,
            sum(k.images) FILTER (WHERE k.code & 2 > 0) AS rejected,
            sum(k.images) FILTER (WHERE k.code & 4 > 0) AS superseded,
            sum(k.images) FILTER (WHERE k.code & 8 > 0) AS flagged,
            sum(k.images) FILTER (WHERE k.code & 24 = 24) AS flagged_with_outcome,
            sum(k.images) FILTER (WHERE k.code & 65 = 65) AS contradictory,
            sum(k.images) FILTER (WHERE k.code & 49 = 49) AS positives,
            sum(k.images) FILTER (WHERE k.code & 49 = 17) AS negatives,
            sum(k.images) FILTER (WHERE k.code & 56 = 56) AS true_positives,
            sum(k.images) FILTER (WHERE k.code & 57 = 17) AS true_negatives,
            sum(k.images) FILTER (WHERE k.code & 34 = 34) AS rejected_positives
        FROM kinds AS k
        GROUP BY k.group_index
    ),
    reasons AS (
        SELECT r.group_index, jsonb_object_agg(r.reason, r.images) AS rejected_by_reason
        FROM (
            SELECT k.group_index, k.reason, sum(k.images) AS images
            FROM kinds AS k
            WHERE k.code & 2 > 0
            GROUP BY k.group_index, k.reason
        ) AS r
        GROUP BY r.group_index
    ),
    scores AS MATERIALIZED (
        SELECT
            c.group_index, c.score,
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 > 0), 0)::bigint AS positives,
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 = 0), 0)::bigint AS negatives
        FROM cells AS c
        WHERE c.code & 17 = 17
        GROUP BY c.group_index, c.score
    ),
    -- Mann and Whitney: the share of pairs in which the positive is above the negative, a tie one half.
    areas AS (
        SELECT
            p.group_index,
            (sum(p.positives * (2 * p.below + p.negatives))
                / nullif(2 * sum(p.positives) * sum(p.negatives), 0))::double precision AS auroc
        FROM (
            SELECT
                b.*,
                sum(b.negatives::integer) OVER (PARTITION BY b.group_index ORDER BY b.score) - b.negatives AS below
            FROM scores AS b
        ) AS p
        GROUP BY p.group_index
    ),
    bins AS (
        SELECT
            s.group_index,
            sum(s.positives + s.negatives) AS n,
            sum(s.positives * (10000 - s.score) - s.negatives * s.score) AS residual,
            sum(s.positives * ((10000 - s.score) * (10000 - s.score)) + s.negatives * (s.score * s.score))
                AS residual_squared,
            sum((s.positives + s.negatives) * (s.score * (10000 - s.score))) AS binomial
        FROM scores AS s
        GROUP BY s.group_index, least(s.score * 15 / 10000, 14)
    ),
    calibration AS (
        SELECT
            b.group_index,
            (sum(b.residual_squared) / sum(b.n) / 1e8)::double precision AS brier,
            (sum(b.residual) / sum(b.n) / 1e4)::double precision AS residual,
            (sum(abs(b.residual)) / sum(b.n) / 1e4)::double precision AS ece,
            sum(sqrt(2 * b.binomial::double precision / 1e8 / pi())) / sum(b.n)::double precision AS ece_floor,
            (sum(
                b.residual * b.residual / b.n
                - (b.n * b.residual_squared - b.residual * b.residual) / (b.n * nullif(b.n - 1, 0))
            ) FILTER (WHERE b.n > 1) / sum(b.n) FILTER (WHERE b.n > 1) / 1e8)::double precision AS squared_error
        FROM bins AS b
        GROUP BY b.group_index
    )
    SELECT
        c.group_index,
        coalesce(c.images, 0)::bigint,
        coalesce(c.screened, 0)::bigint,
        coalesce(c.rejected, 0)::bigint,
        coalesce(c.superseded, 0)::bigint,
        coalesce(r.rejected_by_reason, '{}'),
        coalesce(c.flagged, 0)::bigint,
        (coalesce(c.positives, 0) + coalesce(c.negatives, 0))::bigint,
        coalesce(c.flagged_with_outcome, 0)::bigint,
        coalesce(c.contradictory, 0)::bigint,
        coalesce(c.positives, 0)::bigint,
        coalesce(c.negatives, 0)::bigint,
        coalesce(c.true_positives, 0)::bigint,
        coalesce(c.true_negatives, 0)::bigint,
        coalesce(c.rejected_positives, 0)::bigint,
        a.auroc, b.brier, b.residual, b.ece, b.ece_floor, b.squared_error
    FROM counts AS c
    LEFT JOIN reasons AS r ON r.group_index = c.group_index
    LEFT JOIN areas AS a ON a.group_index = c.group_index
    LEFT JOIN calibration AS b ON b.group_index = c.group_index;
END;
COMMENT ON FUNCTION figures.described(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Counts, areas and calibration per group.';

CREATE FUNCTION figures.latencies(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS TABLE (group_index integer, p50_s double precision, p95_s double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH cells AS MATERIALIZED (
        SELECT g.group_index, g.latency_ms, sum(g.sign)::integer AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases' AND g.outcome <> 'superseded' AND g.latency_ms IS NOT NULL
        GROUP BY g.group_index, g.latency_ms
        UNION ALL
        SELECT g.group_index, u.latency_ms, u.images
        FROM public.audit_sums AS s
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = s.group_id
        CROSS JOIN LATERAL unnest(s.numbers, s.images) AS u(latency_ms, images)
        WHERE basis = 'histogram' AND s.kind_id = 0
            AND s.period_id = ANY (ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p))
        UNION ALL
        SELECT g.group_index, r.latency_ms, r.sign
        FROM (
            SELECT t.group_ids, e.latency_ms, e.sign::integer AS sign
            FROM figures.unsummed(since, until, through) AS e
            JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
            WHERE basis = 'histogram' AND t.outcome <> 'superseded' AND e.latency_ms IS NOT NULL
            -- Cases first, then their dimensions: the other way round is all strata times all dimensions.
            OFFSET bigint '0'
        ) AS r
        CROSS JOIN LATERAL unnest(figures.dimension_numbers(dimension)) AS d(number)
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = r.group_ids[d.number]
        UNION ALL
        SELECT array_position(keys, f.key), f.number, f.images
        FROM unnest(fresh) AS f
        WHERE basis = 'histogram' AND f.code = -1 AND f.key = ANY (keys)
    ),
    -- Which 64 ms a percentile lies in, then which of these: a sum for every millisecond would be a hundred
    -- thousand sums to find two.
    spans AS (
        SELECT c.group_index, c.latency_ms / 64 AS span, sum(c.images) AS images
        FROM cells AS c
        GROUP BY c.group_index, c.latency_ms / 64
    ),
    ranked AS (
        SELECT
            s.*,
            sum(s.images) OVER (PARTITION BY s.group_index ORDER BY s.span) AS upto,
            sum(s.images) OVER (PARTITION BY s.group_index) AS n
        FROM spans AS s
    ),
    sought AS (
        SELECT r.group_index, r.span, q.share, q.share * r.n AS rank, r.upto - r.images AS below
        FROM ranked AS r
        CROSS JOIN (VALUES (0.50), (0.95)) AS q(share)
        WHERE r.upto >= q.share * r.n AND r.upto - r.images < q.share * r.n
    ),
    found AS (
        SELECT
            s.group_index, s.share, s.rank, c.latency_ms,
            s.below + sum(sum(c.images)) OVER (PARTITION BY s.group_index, s.share ORDER BY c.latency_ms) AS upto
        FROM sought AS s
        JOIN cells AS c ON c.group_index = s.group_index AND c.latency_ms / 64 = s.span
        GROUP BY s.group_index, s.share, s.rank, s.below, c.latency_ms
    )
    SELECT
        f.group_index,
        (min(f.latency_ms) FILTER (WHERE f.share = 0.50) / 1000.0)::double precision,
        (min(f.latency_ms) FILTER (WHERE f.share = 0.95) / 1000.0)::double precision
    FROM found AS f
    WHERE f.upto >= f.rank
    GROUP BY f.group_index;
END;
COMMENT ON FUNCTION figures.latencies(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Percentiles of the latency per group, as percentile_disc finds them, to the millisecond.';

CREATE FUNCTION figures.rated(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS SETOF audit.group_figures
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        nullif(substr(keys[d.group_index], 2), ''),
        d.images,
        p.patients,
        p.unnamed,
        d.screened,
        d.rejected,
        d.superseded,
        d.rejected_by_reason,
        d.rejected::double precision / nullif(d.images, 0),
        d.flagged,
        d.flagged::double precision / nullif(d.screened, 0),
        d.with_outcome,
        d.contradictory,
        d.flagged_with_outcome::double precision / nullif(d.flagged, 0),
        (d.with_outcome - d.flagged_with_outcome)::double precision / nullif(d.screened - d.flagged, 0),
        d.positives,
        d.negatives,
        d.true_positives,
        d.negatives - d.true_negatives,
        d.true_negatives,
        d.positives - d.true_positives,
        d.rejected_positives,
        d.true_positives::double precision / nullif(d.positives, 0),
        d.true_negatives::double precision / nullif(d.negatives, 0),
        d.true_positives::double precision / nullif(d.flagged_with_outcome, 0),
        d.true_negatives::double precision / nullif(d.with_outcome - d.flagged_with_outcome, 0),
        d.true_positives::double precision / nullif(d.positives + u.unflagged, 0),
        (d.true_positives + u.flagged)::double precision / nullif(d.positives + u.flagged, 0),
        d.true_negatives::double precision / nullif(d.negatives + u.flagged, 0),
        (d.true_negatives + u.unflagged)::double precision / nullif(d.negatives + u.unflagged, 0),
        d.auroc, d.brier, d.residual, d.ece, d.ece_floor, d.squared_error,
        l.p50_s, l.p95_s
    FROM figures.described(
        since, until, as_of, model, dimension, source, basis, keys, through, fresh
    ) AS d
    CROSS JOIN LATERAL (
        SELECT
            d.flagged - d.flagged_with_outcome AS flagged,
            d.screened - d.flagged - (d.with_outcome - d.flagged_with_outcome) AS unflagged
    ) AS u
    LEFT JOIN (
        SELECT * FROM figures.patients(since, until, as_of, model, dimension, source, keys, through)
        WHERE basis = 'cases'
    ) AS p ON p.group_index = d.group_index
    LEFT JOIN figures.latencies(
        since, until, as_of, model, dimension, source, basis, keys, through, fresh
    ) AS l
        ON l.group_index = d.group_index
    ORDER BY d.group_index;
END;
COMMENT ON FUNCTION figures.rated(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'audit.group_figures of every group; basis is cases or histogram.';

CREATE OR REPLACE FUNCTION figures.rated(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer
)
RETURNS SETOF audit.group_figures
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.*
    FROM figures.rated(
        since, until, as_of, model, dimension, source, basis, keys, through,
        figures.fresh(since, until, as_of, model, dimension, source)
    ) AS r;
END;

CREATE FUNCTION figures.rated_beside(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS SETOF audit.group_figures
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 100
AS $$
BEGIN
    RETURN QUERY SELECT * FROM figures.rated(
        since, until, as_of, model, dimension, source, 'histogram', keys, through, fresh
    );
END;
$$;
COMMENT ON FUNCTION figures.rated_beside(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, figures.fresh_count[]
) IS 'figures.rated from sums, as one step that a process of its own can take.';

CREATE FUNCTION figures.histogram(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[], through integer, fresh figures.fresh_count[]
)
RETURNS SETOF audit.group_figures
LANGUAGE plpgsql STABLE
-- Worth it for a few hundred milliseconds already.
SET parallel_setup_cost = 0
AS $$
DECLARE
    half integer := cardinality(keys) / 2;
BEGIN
    -- A long list is not worth sending to another process.
    IF cardinality(fresh) > 1000 THEN
        RETURN QUERY SELECT * FROM figures.rated_beside(
            since, until, as_of, model, dimension, source, keys, through, fresh
        );
        RETURN;
    END IF;
    -- Half of the groups each, which two processes count side by side where two are free.
    RETURN QUERY
    SELECT * FROM figures.rated_beside(
        since, until, as_of, model, dimension, source, keys[:half], through, fresh
    )
    UNION ALL
    SELECT * FROM figures.rated_beside(
        since, until, as_of, model, dimension, source, keys[half + 1:], through, fresh
    );
END;
$$;
COMMENT ON FUNCTION figures.histogram(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, figures.fresh_count[]
) IS 'figures.rated from sums, of all groups.';

CREATE OR REPLACE FUNCTION audit.histogram_metrics(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS SETOF audit.group_figures
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
-- Rows beside the sums are reached by their time, span by span.
SET enable_nestloop = on
-- The few spans that are sought are looked up: sorting all cells for them takes three times as long.
SET enable_mergejoin = off
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    keys text[];
    fresh figures.fresh_count[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    fresh := figures.fresh(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(fresh, model, dimension, source);
    RETURN QUERY
    SELECT h.*
    FROM figures.histogram(since, until, as_of, model, dimension, source, keys, through, fresh) AS h
    ORDER BY array_position(keys, coalesce('=' || h.group_value, ''));
END;
$$;

CREATE OR REPLACE FUNCTION audit.description(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    source text DEFAULT 'reported'
)
RETURNS TABLE (dimension text, figures audit.group_figures)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET enable_nestloop = on
-- The few spans that are sought are looked up: sorting all cells for them takes three times as long.
SET enable_mergejoin = off
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    fresh figures.fresh_count[];
    through integer := figures.last_increment(as_of);
    described audit.group_figures;
    name text;
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, 'all', source);
    fresh := figures.fresh(since, until, as_of, model, '*', source);
    keys := figures.group_keys(fresh, model, '*', source);
    FOR described IN
        SELECT h.*
        FROM figures.histogram(since, until, as_of, model, '*', source, keys, through, fresh) AS h
        ORDER BY array_position(keys, '=' || h.group_value)
    LOOP
        name := described.group_value;
        dimension := split_part(name, '=', 1);
        described.group_value := CASE WHEN position('=' IN name) > 0 THEN substr(name, position('=' IN name) + 1) END;
        figures := described;
        RETURN NEXT;
    END LOOP;
END;
$$;

DROP FUNCTION figures.latencies(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer);
DROP FUNCTION figures.latency_cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer);
DROP FUNCTION figures.described(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer);
