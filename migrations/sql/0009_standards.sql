-- Where outcomes come from, and how many there are: from sums.

CREATE OR REPLACE FUNCTION audit.reference_standards(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    label_source text,
    verification_reason text,
    positives bigint,
    true_positives bigint,
    negatives bigint,
    true_negatives bigint,
    contradictory bigint,
    drawn bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[n.group_index], 2), ''), n.label_source, n.verification_reason,
        coalesce(sum(n.images) FILTER (WHERE n.malignant), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.malignant AND n.flagged), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE NOT n.malignant), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE NOT n.malignant AND NOT n.flagged), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.contradictory), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.drawn), 0)::bigint
    FROM (
        SELECT
            array_position(keys, figures.group_key(
                dimension, o.fst, o.fst_source, o.site, o.modality, o.age_band, o.sex, o.body_site, o.device
            )) AS group_index,
            o.label_source, o.verification_reason, o.malignant, o.flagged, o.contradictory, o.drawn, o.images
        FROM (
            SELECT
                s.fst, s.fst_source, s.site, s.modality, s.age_band, s.sex, s.body_site, s.device,
                s.label_source, s.verification_reason, s.malignant, s.flagged, s.contradictory,
                e.drawn, e.images
            FROM figures.stratum_counts(since, until, through) AS e
            JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
            WHERE s.model_version = model AND s.outcome = 'screened' AND s.label_source IS NOT NULL
            UNION ALL
            SELECT
                c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device,
                c.label_source, c.verification_reason, c.malignant, c.flagged, c.contradictory,
                c.sampling_probability < 1, c.sign
            FROM figures.changes(as_of) AS c
            WHERE c.last_modified >= since AND c.last_modified < until
                AND c.model_version = model AND c.outcome = 'screened' AND c.label_source IS NOT NULL
        ) AS o
        WHERE figures.in_question(dimension, source, o.fst_source)
    ) AS n
    GROUP BY n.group_index, n.label_source, n.verification_reason
    HAVING sum(n.images) <> 0
    ORDER BY n.group_index, n.label_source, n.verification_reason;
END;
$$;

CREATE FUNCTION audit.skin_type_cases(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    source text DEFAULT 'reported'
)
RETURNS TABLE (dimension text, group_value text, positives bigint, negatives bigint)
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
    PERFORM figures.check_question(since, until, as_of, model, 'fst', source);
    FOREACH dimension IN ARRAY ARRAY['fst', 'fst_group'] LOOP
        keys := figures.group_keys(as_of, model, dimension, source);
        RETURN QUERY
        SELECT
            skin_type_cases.dimension, nullif(substr(keys[c.group_index], 2), ''),
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 > 0), 0)::bigint,
            coalesce(sum(c.images) FILTER (WHERE c.code & 32 = 0), 0)::bigint
        FROM figures.coded(since, until, as_of, model, dimension, source, 'histogram', keys, through) AS c
        WHERE c.code & 17 = 17
        GROUP BY c.group_index
        ORDER BY c.group_index;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION audit.skin_type_cases(timestamptz, timestamptz, timestamptz, text, text) IS
    'How many screened images with an outcome each skin type and each group of types has. '
    'dimension: fst or fst_group. group_value: the group, NULL where unknown. '
    'positives, negatives: images by outcome.';

CREATE FUNCTION audit.score_counts(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (group_value text, score integer, positives bigint, negatives bigint)
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
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[c.group_index], 2), ''), c.score,
        coalesce(sum(c.images) FILTER (WHERE c.code & 32 > 0), 0)::bigint,
        coalesce(sum(c.images) FILTER (WHERE c.code & 32 = 0), 0)::bigint
    FROM figures.coded(since, until, as_of, model, dimension, source, 'histogram', keys, through) AS c
    WHERE c.code & 17 = 17
    GROUP BY c.group_index, c.score
    ORDER BY c.group_index, c.score;
END;
$$;
COMMENT ON FUNCTION audit.score_counts(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'How many screened images with an outcome have which score. '
    'group_value: the group, NULL where unknown. '
    'score: calibrated probability of malignancy x 10,000. '
    'positives, negatives: images by outcome.';
