-- Descriptive figures: one row per group, from cases or from the histogram.

CREATE FUNCTION figures.described(
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
        SELECT c.* FROM figures.cells(since, until, as_of, model, dimension, source, basis, keys, through) AS c
    ),
    counts AS (
        SELECT
            c.group_index,
            sum(c.images) FILTER (WHERE c.outcome IN ('screened', 'rejected')) AS images,
            sum(c.images) FILTER (WHERE c.outcome = 'screened') AS screened,
            sum(c.images) FILTER (WHERE c.outcome = 'rejected') AS rejected,
            sum(c.images) FILTER (WHERE c.outcome = 'superseded') AS superseded,
            sum(c.images) FILTER (WHERE c.flagged) AS flagged,
            sum(c.images) FILTER (WHERE c.flagged AND c.malignant IS NOT NULL) AS flagged_with_outcome,
            sum(c.images) FILTER (WHERE c.outcome = 'screened' AND c.contradictory) AS contradictory,
            sum(c.images) FILTER (WHERE c.outcome = 'screened' AND c.malignant) AS positives,
            sum(c.images) FILTER (WHERE c.outcome = 'screened' AND NOT c.malignant) AS negatives,
            sum(c.images) FILTER (WHERE c.flagged AND c.malignant) AS true_positives,
            sum(c.images) FILTER (WHERE NOT c.flagged AND NOT c.malignant) AS true_negatives,
            sum(c.images) FILTER (WHERE c.outcome = 'rejected' AND c.malignant) AS rejected_positives
        FROM cells AS c
        GROUP BY c.group_index
    ),
    reasons AS (
        SELECT r.group_index, jsonb_object_agg(r.reason, r.images) AS rejected_by_reason
        FROM (
            SELECT c.group_index, c.reason, sum(c.images) AS images
            FROM cells AS c
            WHERE c.outcome = 'rejected'
            GROUP BY c.group_index, c.reason
        ) AS r
        GROUP BY r.group_index
    ),
    scores AS MATERIALIZED (
        SELECT c.group_index, c.malignant, c.score, sum(c.images) AS images
        FROM cells AS c
        WHERE c.outcome = 'screened' AND c.malignant IS NOT NULL
        GROUP BY c.group_index, c.malignant, c.score
    ),
    -- Mann and Whitney: the share of pairs in which the positive is above the negative, a tie one half.
    areas AS (
        SELECT
            p.group_index,
            (sum(p.positives * (p.below + p.negatives / 2.0))
                / nullif(sum(p.positives) * sum(p.negatives), 0))::double precision AS auroc
        FROM (
            SELECT
                b.*,
                sum(b.negatives) OVER (PARTITION BY b.group_index ORDER BY b.score) - b.negatives AS below
            FROM (
                SELECT
                    s.group_index, s.score,
                    coalesce(sum(s.images) FILTER (WHERE s.malignant), 0) AS positives,
                    coalesce(sum(s.images) FILTER (WHERE NOT s.malignant), 0) AS negatives
                FROM scores AS s
                GROUP BY s.group_index, s.score
            ) AS b
        ) AS p
        GROUP BY p.group_index
    ),
    bins AS (
        SELECT
            s.group_index,
            sum(s.images) AS n,
            sum(s.images * (s.malignant::integer * 10000 - s.score)) AS residual,
            sum(s.images * ((s.malignant::integer * 10000 - s.score) ^ 2)::bigint) AS residual_squared,
            sum(s.images * (s.score::bigint * (10000 - s.score))) AS binomial
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
COMMENT ON FUNCTION figures.described(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Counts and figures that counts by exact score give, one row per group.';

CREATE FUNCTION figures.latencies(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
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
        FROM (
            SELECT g.group_index, g.latency_ms, sum(g.sign) AS images
            FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
            WHERE g.outcome <> 'superseded' AND g.latency_ms IS NOT NULL
            GROUP BY g.group_index, g.latency_ms
            HAVING sum(g.sign) <> 0
        ) AS l
    ) AS r
    GROUP BY r.group_index;
END;
COMMENT ON FUNCTION figures.latencies(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Percentiles of the latency per group, as percentile_disc finds them, to the millisecond.';

CREATE FUNCTION figures.patients(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[],
    through integer
)
RETURNS TABLE (group_index integer, patients bigint, unnamed bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.group_index, count(*), count(*) FILTER (WHERE p.patient < 0)
    FROM (
        SELECT g.group_index, g.patient
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE g.outcome <> 'superseded'
        GROUP BY g.group_index, g.patient
        HAVING sum(g.sign) <> 0
    ) AS p
    GROUP BY p.group_index;
END;
COMMENT ON FUNCTION figures.patients(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Patients per group, and how many of them are images that named none.';

CREATE TYPE audit.group_figures AS (
    group_value text,
    images bigint,
    patients bigint,
    images_without_patient bigint,
    screened bigint,
    rejected bigint,
    superseded bigint,
    rejected_by_reason jsonb,
    rejection_rate double precision,
    flagged bigint,
    flag_rate double precision,
    with_outcome bigint,
    contradictory bigint,
    flagged_with_outcome_share double precision,
    unflagged_with_outcome_share double precision,
    positives bigint,
    negatives bigint,
    true_positives bigint,
    false_positives bigint,
    true_negatives bigint,
    missed_cancers bigint,
    rejected_cancers bigint,
    sensitivity double precision,
    specificity double precision,
    ppv double precision,
    npv double precision,
    sensitivity_at_least double precision,
    sensitivity_at_most double precision,
    specificity_at_least double precision,
    specificity_at_most double precision,
    auroc double precision,
    brier double precision,
    residual double precision,
    ece double precision,
    ece_floor double precision,
    squared_error double precision,
    latency_p50_s double precision,
    latency_p95_s double precision
);
COMMENT ON TYPE audit.group_figures IS 'The descriptive figures of one group; a figure without a case is NULL.';
COMMENT ON COLUMN audit.group_figures.group_value IS 'The group, NULL where unknown';
COMMENT ON COLUMN audit.group_figures.images IS 'n: images screened or rejected';
COMMENT ON COLUMN audit.group_figures.patients IS 'Patients of these; an image without patient counts as one';
COMMENT ON COLUMN audit.group_figures.images_without_patient IS 'Images that named no patient';
COMMENT ON COLUMN audit.group_figures.screened IS 'Images with a score';
COMMENT ON COLUMN audit.group_figures.rejected IS 'Images that could not be screened';
COMMENT ON COLUMN audit.group_figures.superseded IS 'Object versions replaced before they were fetched; in no rate';
COMMENT ON COLUMN audit.group_figures.rejected_by_reason IS 'Number of rejected images by reason';
COMMENT ON COLUMN audit.group_figures.rejection_rate IS 'rejected / images';
COMMENT ON COLUMN audit.group_figures.flagged IS 'Screened images whose score reached the threshold';
COMMENT ON COLUMN audit.group_figures.flag_rate IS 'flagged / screened';
COMMENT ON COLUMN audit.group_figures.with_outcome IS 'Screened images with a known outcome, contradictory ones excluded';
COMMENT ON COLUMN audit.group_figures.contradictory IS 'Screened images whose outcomes disagree; in no other figure';
COMMENT ON COLUMN audit.group_figures.flagged_with_outcome_share IS 'Share of flagged images with a known outcome';
COMMENT ON COLUMN audit.group_figures.unflagged_with_outcome_share IS 'Share of unflagged images with a known outcome';
COMMENT ON COLUMN audit.group_figures.positives IS 'Screened images with malignant outcome';
COMMENT ON COLUMN audit.group_figures.negatives IS 'Screened images with benign outcome';
COMMENT ON COLUMN audit.group_figures.true_positives IS 'Positives that were flagged';
COMMENT ON COLUMN audit.group_figures.false_positives IS 'Negatives that were flagged';
COMMENT ON COLUMN audit.group_figures.true_negatives IS 'Negatives that were not flagged';
COMMENT ON COLUMN audit.group_figures.missed_cancers IS 'Positives that were not flagged';
COMMENT ON COLUMN audit.group_figures.rejected_cancers IS 'Rejected images with malignant outcome: missed before any score';
COMMENT ON COLUMN audit.group_figures.sensitivity IS 'true_positives / positives, of images with an outcome';
COMMENT ON COLUMN audit.group_figures.specificity IS 'true_negatives / negatives, of images with an outcome';
COMMENT ON COLUMN audit.group_figures.ppv IS 'true_positives / flagged images with an outcome';
COMMENT ON COLUMN audit.group_figures.npv IS 'true_negatives / unflagged images with an outcome';
COMMENT ON COLUMN audit.group_figures.sensitivity_at_least IS
    'Sensitivity if every unflagged image without outcome were malignant and every flagged one benign';
COMMENT ON COLUMN audit.group_figures.sensitivity_at_most IS
    'Sensitivity if every flagged image without outcome were malignant and every unflagged one benign';
COMMENT ON COLUMN audit.group_figures.specificity_at_least IS
    'Specificity if every flagged image without outcome were benign and every unflagged one malignant';
COMMENT ON COLUMN audit.group_figures.specificity_at_most IS
    'Specificity if every unflagged image without outcome were benign and every flagged one malignant';
COMMENT ON COLUMN audit.group_figures.auroc IS 'Share of pairs in which the positive scores higher, a tie one half';
COMMENT ON COLUMN audit.group_figures.brier IS 'Mean of (outcome - probability)²';
COMMENT ON COLUMN audit.group_figures.residual IS 'Mean of outcome - probability';
COMMENT ON COLUMN audit.group_figures.ece IS 'Expected calibration error, 15 bins of equal width; never compare it between groups';
COMMENT ON COLUMN audit.group_figures.ece_floor IS 'What it would be for a perfect model of this size';
COMMENT ON COLUMN audit.group_figures.squared_error IS 'Unbiased mean squared error of calibration over the bins; may be negative';
COMMENT ON COLUMN audit.group_figures.latency_p50_s IS 'Median of seconds from the first reading of the event to the row';
COMMENT ON COLUMN audit.group_figures.latency_p95_s IS '95th percentile of the same';

CREATE FUNCTION figures.rated(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
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
    FROM figures.described(since, until, as_of, model, dimension, source, basis, keys, through) AS d
    CROSS JOIN LATERAL (
        SELECT
            d.flagged - d.flagged_with_outcome AS flagged,
            d.screened - d.flagged - (d.with_outcome - d.flagged_with_outcome) AS unflagged
    ) AS u
    LEFT JOIN (
        SELECT * FROM figures.patients(since, until, as_of, model, dimension, source, keys, through) WHERE basis = 'cases'
    ) AS p ON p.group_index = d.group_index
    LEFT JOIN (
        SELECT * FROM figures.latencies(since, until, as_of, model, dimension, source, keys, through) WHERE basis = 'cases'
    ) AS l ON l.group_index = d.group_index
    ORDER BY d.group_index;
END;
COMMENT ON FUNCTION figures.rated(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Descriptive figures, one row per group.';

CREATE FUNCTION audit.metrics(
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
-- Few groups come of many cases, which the planner cannot know: let workers count.
SET parallel_tuple_cost = 0.0005
AS $$
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY SELECT * FROM figures.rated(
        since, until, as_of, model, dimension, source, 'cases', keys, through
    );
END;
$$;
COMMENT ON FUNCTION audit.metrics(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'Descriptive figures of one model, at its threshold, over images with Last-Modified in [since, until), as '
    'known at as_of; one row per group of dimension (all, fst, fst_group, fst_source, site, modality, age_band, '
    'sex, body_site, device). By skin type (fst, fst_group) only images whose type has this source count '
    '(reported, estimated, simulated); other dimensions count every image. Columns: see type audit.group_figures.';

CREATE FUNCTION audit.histogram_metrics(
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
-- Few groups come of many cases, which the planner cannot know: let workers count.
SET parallel_tuple_cost = 0.0005
AS $$
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    PERFORM figures.whole_day(since), figures.whole_day(until);
    IF dimension NOT IN ('all', 'fst', 'fst_group', 'fst_source') THEN
        RAISE EXCEPTION 'the histogram knows all, fst, fst_group and fst_source: ask audit.metrics'
            USING ERRCODE = '22023';
    END IF;
    RETURN QUERY SELECT * FROM figures.rated(
        since, until, as_of, model, dimension, source, 'histogram', keys, through
    );
END;
$$;
COMMENT ON FUNCTION audit.histogram_metrics(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'The figures of audit.metrics, equal to the last digit, from the histogram: at once for any window. Whole '
    'days (UTC), groups of skin type, without patients and latency. Columns: see type audit.group_figures.';
