-- Placements and bins depend on scores alone: from sums.

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
            SELECT g.group_index, g.malignant, g.score, sum(g.images)::bigint AS images
            FROM figures.cells(
                since, until, as_of, model, dimension, source, 'histogram', keys, through
            ) AS g
            WHERE g.outcome = 'screened' AND g.malignant IS NOT NULL
            GROUP BY g.group_index, g.malignant, g.score
        ) AS c
        WINDOW
            whole AS (PARTITION BY c.group_index),
            rising AS (PARTITION BY c.group_index ORDER BY c.score),
            ties AS (PARTITION BY c.group_index, c.score),
            class_rising AS (PARTITION BY c.group_index, c.malignant ORDER BY c.score)
    ) AS r;
END;

-- These read sums and, beside them, rows that are reached by their time, span by span.
ALTER FUNCTION audit.placements(timestamptz, timestamptz, timestamptz, text, text, text)
    SET enable_nestloop = on;
ALTER FUNCTION audit.placements(timestamptz, timestamptz, timestamptz, text, text, text)
    SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION audit.placements(timestamptz, timestamptz, timestamptz, text, text, text)
    SET jit = off;

CREATE OR REPLACE FUNCTION audit.calibration_bins(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported',
    bins integer DEFAULT 15
)
RETURNS TABLE (
    group_value text,
    bin integer,
    n bigint,
    positives bigint,
    mean_probability double precision,
    residual double precision,
    residual_squared double precision,
    binomial double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
SET enable_nestloop = on
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    IF bins IS NULL OR bins NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'bins must be between 1 and 10000' USING ERRCODE = '22023';
    END IF;
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[c.group_index], 2), ''), b.bin, sum(c.images)::bigint,
        coalesce(sum(c.images) FILTER (WHERE c.malignant), 0)::bigint,
        (sum(c.images * c.score) / sum(c.images) / 1e4)::double precision,
        (sum(c.images * b.residual) / 1e4)::double precision,
        (sum(c.images * b.residual * b.residual) / 1e8)::double precision,
        (sum(c.images * (c.score::bigint * (10000 - c.score))) / 1e8)::double precision
    FROM figures.cells(since, until, as_of, model, dimension, source, 'histogram', keys, through) AS c
    CROSS JOIN LATERAL (
        SELECT
            least(c.score::bigint * bins / 10000, bins - 1)::integer AS bin,
            c.malignant::integer * 10000 - c.score AS residual
    ) AS b
    WHERE c.outcome = 'screened' AND c.malignant IS NOT NULL
    GROUP BY c.group_index, b.bin
    ORDER BY c.group_index, b.bin;
END;
$$;
