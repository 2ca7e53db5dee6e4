-- Descriptive figures of any window, and of every dimension at once.

CREATE OR REPLACE FUNCTION figures.rated(
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
        SELECT * FROM figures.patients(since, until, as_of, model, dimension, source, keys, through)
        WHERE basis = 'cases'
    ) AS p ON p.group_index = d.group_index
    LEFT JOIN figures.latencies(since, until, as_of, model, dimension, source, basis, keys, through) AS l
        ON l.group_index = d.group_index
    ORDER BY d.group_index;
END;
DROP FUNCTION figures.latencies(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer
);

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
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY SELECT * FROM figures.rated(
        since, until, as_of, model, dimension, source, 'histogram', keys, through
    );
END;
$$;
COMMENT ON FUNCTION audit.histogram_metrics(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'The figures of audit.metrics, equal but for rounding, without patients: from sums of months, quarters and '
    'years and the rows beside them, so at once for any window. Columns: see type audit.group_figures.';

CREATE FUNCTION audit.description(
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
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
    described audit.group_figures;
    name text;
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, 'all', source);
    keys := figures.group_keys(as_of, model, '*', source);
    FOR described IN
        SELECT * FROM figures.rated(since, until, as_of, model, '*', source, 'histogram', keys, through)
    LOOP
        name := described.group_value;
        dimension := split_part(name, '=', 1);
        described.group_value := CASE WHEN position('=' IN name) > 0 THEN substr(name, position('=' IN name) + 1) END;
        figures := described;
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION audit.description(timestamptz, timestamptz, timestamptz, text, text) IS
    'audit.histogram_metrics for every dimension in one go. '
    'dimension: all, fst, fst_group, fst_source, site, modality, age_band, sex, body_site or device. '
    'figures: see type audit.group_figures.';
