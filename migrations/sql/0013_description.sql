-- Everything that counts give, from one pass over them.

CREATE FUNCTION figures.measured(
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
    squared_error double precision,
    p50_s double precision,
    p95_s double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH cells AS MATERIALIZED (
        -- Integers, whose sums stay integers: sums of bigint are numeric, and slow where they run along a window.
        SELECT c.*
        FROM figures.coded(since, until, as_of, model, dimension, source, basis, keys, through, fresh, true) AS c
    ),
    kinds AS MATERIALIZED (
        SELECT c.group_index, c.code, c.reason, sum(c.images)::bigint AS images
        FROM cells AS c
        WHERE c.code >= 0
        GROUP BY c.group_index, c.code, c.reason
        -- What no increment has seen yet may have taken the last image out of a group.
        HAVING sum(c.images) <> 0
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
            c.group_index, c.number AS score,
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 > 0), 0)::bigint AS positives,
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 = 0), 0)::bigint AS negatives
        FROM cells AS c
        WHERE c.code & 17 = 17 AND c.code >= 0
        GROUP BY c.group_index, c.number
        HAVING sum(c.images) <> 0
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
    ),
    latencies AS MATERIALIZED (
        SELECT c.group_index, c.number AS latency_ms, c.images
        FROM cells AS c
        WHERE c.code = -1
    ),
    -- Which 64 ms a percentile lies in, then which of these: a sum for every millisecond would be a hundred
    -- thousand sums to find two.
    spans AS (
        SELECT c.group_index, c.latency_ms / 64 AS span, sum(c.images) AS images
        FROM latencies AS c
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
        JOIN latencies AS c ON c.group_index = s.group_index AND c.latency_ms / 64 = s.span
        GROUP BY s.group_index, s.share, s.rank, s.below, c.latency_ms
    ),
    percentiles AS (
        SELECT
            f.group_index,
            (min(f.latency_ms) FILTER (WHERE f.share = 0.50) / 1000.0)::double precision AS p50_s,
            (min(f.latency_ms) FILTER (WHERE f.share = 0.95) / 1000.0)::double precision AS p95_s
        FROM found AS f
        WHERE f.upto >= f.rank
        GROUP BY f.group_index
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
        a.auroc, b.brier, b.residual, b.ece, b.ece_floor, b.squared_error, l.p50_s, l.p95_s
    FROM counts AS c
    LEFT JOIN reasons AS r ON r.group_index = c.group_index
    LEFT JOIN areas AS a ON a.group_index = c.group_index
    LEFT JOIN calibration AS b ON b.group_index = c.group_index
    LEFT JOIN percentiles AS l ON l.group_index = c.group_index;
END;
COMMENT ON FUNCTION figures.measured(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS
    'Counts, areas, calibration and percentiles of the latency per group; the last as percentile_disc finds them, to '
    'the millisecond.';

CREATE OR REPLACE FUNCTION figures.rated(
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
        d.p50_s, d.p95_s
    FROM figures.measured(
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
    ORDER BY d.group_index;
END;

DROP FUNCTION
    figures.described(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.latencies(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.coded(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    );
