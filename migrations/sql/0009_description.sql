-- Descriptive figures and placements from counts by code: few sums over words, none over what was summed before.

CREATE OR REPLACE FUNCTION figures.described(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
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
        SELECT c.* FROM figures.coded(since, until, as_of, model, dimension, source, basis, keys, through) AS c
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
                (sum(b.negatives) OVER (PARTITION BY b.group_index ORDER BY b.score))::bigint - b.negatives AS below
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

CREATE OR REPLACE FUNCTION figures.placed(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[],
    through integer
)
RETURNS TABLE (
    group_index integer,
    malignant boolean,
    score integer,
    images bigint,
    positives bigint,
    negatives bigint,
    midrank double precision,
    class_midrank double precision,
    placement double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        r.group_index, r.malignant, r.score, r.images, r.positives, r.negatives, r.midrank, r.class_midrank,
        CASE
            WHEN r.malignant THEN (r.midrank - r.class_midrank) / nullif(r.negatives, 0)
            ELSE 1 - (r.midrank - r.class_midrank) / nullif(r.positives, 0)
        END
    FROM (
        SELECT
            c.group_index, c.malignant, c.score, c.images,
            coalesce(sum(c.images) FILTER (WHERE c.malignant) OVER whole, 0)::bigint AS positives,
            coalesce(sum(c.images) FILTER (WHERE NOT c.malignant) OVER whole, 0)::bigint AS negatives,
            -- rank() + (ties - 1)/2 of each image; the running sum is the rank of the last of the ties.
            (sum(c.images) OVER rising - (sum(c.images) OVER ties - 1) / 2.0)::double precision AS midrank,
            (sum(c.images) OVER class_rising - (c.images - 1) / 2.0)::double precision AS class_midrank
        FROM (
            SELECT g.group_index, g.code & 32 > 0 AS malignant, g.score, sum(g.images)::bigint AS images
            FROM figures.coded(since, until, as_of, model, dimension, source, 'histogram', keys, through) AS g
            WHERE g.code & 17 = 17
            GROUP BY g.group_index, g.code & 32, g.score
        ) AS c
        WINDOW
            whole AS (PARTITION BY c.group_index),
            rising AS (PARTITION BY c.group_index ORDER BY c.score),
            ties AS (PARTITION BY c.group_index, c.score),
            class_rising AS (PARTITION BY c.group_index, c.malignant ORDER BY c.score)
    ) AS r;
END;
