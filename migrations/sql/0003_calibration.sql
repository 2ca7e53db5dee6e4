-- Probability bins and verification counts.

CREATE FUNCTION audit.calibration_bins(
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
-- Few groups come of many cases, which the planner cannot know: let workers count.
SET parallel_tuple_cost = 0.0005
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
    FROM figures.cells(since, until, as_of, model, dimension, source, 'cases', keys, through) AS c
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
COMMENT ON FUNCTION audit.calibration_bins(timestamptz, timestamptz, timestamptz, text, text, text, integer) IS
    'Sums over screened images with an outcome in bins of equal width, each closed below, the last on both '
    'sides; r = outcome - probability. A line of calibration needs iteration: fit it to audit.placements(). '
    'group_value: the group, NULL where unknown. '
    'bin: 0 .. bins - 1; a bin without images has no row. '
    'n, positives: images, and those malignant. '
    'mean_probability: mean of score/10,000. '
    'residual, residual_squared: Σr and Σr². '
    'binomial: Σp(1 - p), the variance of the number of positives if the probabilities are right.';

CREATE FUNCTION audit.verification(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported',
    bins integer DEFAULT 20
)
RETURNS TABLE (
    group_value text,
    site text,
    bin integer,
    flagged boolean,
    verification_reason text,
    sampling_probability double precision,
    images bigint,
    with_outcome bigint,
    positives bigint,
    contradictory bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
-- Few groups come of many cases, which the planner cannot know: let workers count.
SET parallel_tuple_cost = 0.0005
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
        nullif(substr(keys[g.group_index], 2), ''), g.site, least(g.score::bigint * bins / 10000, bins - 1)::integer,
        g.flagged, g.verification_reason, g.sampling_probability,
        sum(g.sign)::bigint,
        coalesce(sum(g.sign) FILTER (WHERE g.malignant IS NOT NULL), 0)::bigint,
        coalesce(sum(g.sign) FILTER (WHERE g.malignant), 0)::bigint,
        coalesce(sum(g.sign) FILTER (WHERE g.contradictory), 0)::bigint
    FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
    WHERE g.outcome = 'screened'
    GROUP BY g.group_index, g.site, 3, g.flagged, g.verification_reason, g.sampling_probability
    HAVING sum(g.sign) <> 0
    ORDER BY g.group_index, g.site, 3, g.flagged, g.verification_reason, g.sampling_probability;
END;
$$;
COMMENT ON FUNCTION audit.verification(timestamptz, timestamptz, timestamptz, text, text, text, integer) IS
    'Who has a known outcome: screened images by score bin, group, site and flag, for weights (Begg and Greenes '
    '1983; inverse probability) that assume verification depends on these only. '
    'group_value, site: NULL where unknown. '
    'bin: 0 .. bins - 1, of equal width, as in audit.calibration_bins. '
    'flagged: whether the score reached the threshold. '
    'verification_reason: why the outcome was looked for; NULL where there is none. '
    'sampling_probability: chance of being drawn for verification, where the outcome came of a draw. '
    'images: all of them; with_outcome: those with an outcome; positives: those malignant; '
    'contradictory: those whose outcomes disagree.';
