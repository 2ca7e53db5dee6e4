-- What verdicts are computed from: one row per group, from sums over patients and from placements.

CREATE FUNCTION figures.areas(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[], through integer,
    OUT influence double precision[], OUT areas jsonb
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH placed AS MATERIALIZED (
        SELECT
            p.group_index AS i, p.malignant, p.score, p.images, p.positives, p.negatives,
            p.placement,
            sum(p.images * p.placement) FILTER (WHERE p.malignant) OVER (PARTITION BY p.group_index)
                / nullif(p.positives, 0) AS theta
        FROM figures.placed(since, until, as_of, model, dimension, source, keys, through) AS p
    )
    SELECT
        (
            SELECT array_agg(coalesce((q.placement - q.theta) / class.size, 0) ORDER BY place.n)
            FROM generate_series(1, cardinality(keys) * 20002) AS place(n)
            LEFT JOIN placed AS q
                ON (q.i - 1) * 20002 + q.malignant::integer * 10001 + q.score + 1 = place.n
            LEFT JOIN LATERAL (
                SELECT CASE WHEN q.malignant THEN q.positives ELSE q.negatives END
            ) AS class(size) ON true
        ),
        (
            SELECT jsonb_agg(to_jsonb(a))
            FROM (
                SELECT
                    q.i, max(q.positives) AS m, max(q.negatives) AS n, max(q.theta) AS theta,
                    sum(q.images * (q.placement - q.theta) ^ 2) FILTER (WHERE q.malignant)
                        / nullif(max(q.positives) - 1, 0) AS s10,
                    sum(q.images * (q.placement - q.theta) ^ 2) FILTER (WHERE NOT q.malignant)
                        / nullif(max(q.negatives) - 1, 0) AS s01,
                    sum(q.images * (q.malignant::integer * 10000 - q.score) * (q.malignant::integer * 10000 - q.score))
                        AS squares
                FROM placed AS q
                GROUP BY q.i
            ) AS a
        );
END;
COMMENT ON FUNCTION
    figures.areas(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'influence: what an image of a group, class and score adds to the AUROC of its group, found by its place: an '
    'array travels to parallel workers, a temporary table does not, and auditors may not make one. areas: theta and '
    'the variances of placements by group.';

CREATE FUNCTION figures.components(sums figures.patient_sums[], areas jsonb, keys text[])
RETURNS TABLE (
    group_value text,
    theta double precision,
    variance double precision,
    s10 double precision,
    s01 double precision,
    positives bigint,
    negatives bigint,
    patients bigint,
    true_positives bigint,
    sensitivity_design_effect double precision,
    true_negatives bigint,
    specificity_design_effect double precision,
    screened bigint,
    flagged bigint,
    flag_design_effect double precision,
    rejected bigint,
    rejection_design_effect double precision,
    residual double precision,
    residual_variance double precision,
    patients_seen bigint,
    images_without_patient bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        nullif(substr(keys[t.group_index], 2), ''),
        a.theta,
        CASE WHEN a.theta IS NOT NULL AND t.patients > 1
            THEN t.patients::double precision / (t.patients - 1)::double precision * t.area_square END,
        CASE WHEN a.theta IS NOT NULL THEN a.s10 END,
        CASE WHEN a.theta IS NOT NULL THEN a.s01 END,
        t.m::bigint, t.n::bigint, t.patients::bigint, t.tp::bigint,
        figures.design_effect(t.tp, t.m, t.m_patients, t.tp_tp, t.tp_m, t.m_m),
        (t.n - t.fp)::bigint,
        figures.design_effect(t.n - t.fp, t.n, t.n_patients, t.tn_tn, t.tn_n, t.n_n),
        t.s::bigint, t.f::bigint,
        figures.design_effect(t.f, t.s, t.s_patients, t.f_f, t.f_s, t.s_s),
        (t.t - t.s)::bigint,
        figures.design_effect(t.t - t.s, t.t, t.t_patients, t.x_x, t.x_t, t.t_t),
        (t.r / nullif(t.l, 0) / 10000)::double precision,
        CASE WHEN t.l > 1 AND t.patients > 1 THEN greatest(
            (t.l * a.squares - t.r * t.r) / (t.l * t.l * (t.l - 1)),
            t.patients::numeric / (t.patients - 1)
                * (t.l * t.l * t.r_r - 2 * t.l * t.r * t.r_l + t.r * t.r * t.l_l) / (t.l * t.l) / (t.l * t.l)
        )::double precision / 1e8 END,
        t.t_patients::bigint,
        t.unnamed::bigint
    FROM (
        SELECT
            u.group_index,
            sum(u.patients) AS patients, sum(u.m_patients) AS m_patients, sum(u.n_patients) AS n_patients,
            sum(u.s_patients) AS s_patients, sum(u.t_patients) AS t_patients, sum(u.unnamed) AS unnamed,
            sum(u.area_square) AS area_square, sum(u.l) AS l,
            sum(u.m) AS m, sum(u.n) AS n, sum(u.tp) AS tp, sum(u.fp) AS fp,
            sum(u.s) AS s, sum(u.f) AS f, sum(u.t) AS t, sum(u.r) AS r,
            sum(u.tp_tp) AS tp_tp, sum(u.tp_m) AS tp_m, sum(u.m_m) AS m_m, sum(u.tn_tn) AS tn_tn,
            sum(u.tn_n) AS tn_n, sum(u.n_n) AS n_n, sum(u.f_f) AS f_f, sum(u.f_s) AS f_s,
            sum(u.s_s) AS s_s, sum(u.x_x) AS x_x, sum(u.x_t) AS x_t, sum(u.t_t) AS t_t,
            sum(u.r_r) AS r_r, sum(u.r_l) AS r_l, sum(u.l_l) AS l_l
        FROM unnest(sums) AS u
        GROUP BY u.group_index
    ) AS t
    LEFT JOIN jsonb_to_recordset(areas) AS a(
        i integer, theta double precision, s10 double precision, s01 double precision, squares numeric
    ) ON a.i = t.group_index
    ORDER BY keys[t.group_index];
END;
COMMENT ON FUNCTION figures.components(figures.patient_sums[], jsonb, text[]) IS
    'One row per group, as audit.components returns them.';

CREATE FUNCTION figures.sums_by_group(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[], through integer, influence double precision[], only_these bigint[]
)
RETURNS SETOF figures.patient_sums
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        h.fine, h.patients, h.m_patients, h.n_patients, h.s_patients, h.t_patients, h.unnamed,
                h.area_square, h.l, h.m, h.n, h.tp, h.fp, h.s, h.f, h.t, h.r, h.tp_tp, h.tp_m, h.m_m,
                h.tn_tn, h.tn_n, h.n_n, h.f_f, h.f_s, h.s_s, h.x_x, h.x_t, h.t_t, h.r_r, h.r_l, h.l_l
    FROM (
            SELECT * FROM figures.half_of_patients(
                since, until, as_of, model, dimension, dimension, source, keys, keys, through, influence, influence,
                0, false, only_these
            )
            UNION ALL
            SELECT * FROM figures.half_of_patients(
                since, until, as_of, model, dimension, dimension, source, keys, keys, through, influence, influence,
                1, false, only_these
            )
    ) AS h;
END;
COMMENT ON FUNCTION figures.sums_by_group(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, double precision[], bigint[]
) IS 'figures.patient_sums by group, of all patients or of some.';

CREATE FUNCTION audit.components(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    theta double precision,
    variance double precision,
    s10 double precision,
    s01 double precision,
    positives bigint,
    negatives bigint,
    patients bigint,
    true_positives bigint,
    sensitivity_design_effect double precision,
    true_negatives bigint,
    specificity_design_effect double precision,
    screened bigint,
    flagged bigint,
    flag_design_effect double precision,
    rejected bigint,
    rejection_design_effect double precision,
    residual double precision,
    residual_variance double precision,
    patients_seen bigint,
    images_without_patient bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET plan_cache_mode = force_custom_plan
-- Each half is one pass of one process that hashes its patients: rows may not travel between processes. The
-- planner does not see how many patients there are.
SET parallel_tuple_cost = 10
SET enable_sort = off
SET enable_gathermerge = off
SET enable_nestloop = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
    area record;
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    area := figures.areas(since, until, as_of, model, dimension, source, keys, through);
    RETURN QUERY
    SELECT c.* FROM figures.components(
        ARRAY(
            SELECT counted FROM figures.sums_by_group(
                since, until, as_of, model, dimension, source, keys, through, area.influence, NULL
            ) AS counted
        ),
        area.areas, keys
    ) AS c;
END;
$$;
COMMENT ON FUNCTION audit.components(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'What the verdict on each group is computed from: the client needs these rows and no case. Groups by '
    'dimension (all, fst, fst_group, fst_source, site, modality, age_band, sex, body_site, device); skin types '
    'of one source only. Clusters are patients; an image without patient is a cluster of its own. '
    'group_value: the group, NULL where unknown. '
    'theta: AUROC (DeLong et al. 1988), NULL without both outcomes. '
    'variance: of theta, clustered (Obuchowski 1997): I/(I-1)·Σu²; NULL with one patient. '
    's10, s01: sample variances of the placements of positives and of negatives; NULL below two of them. '
    'positives, negatives: screened images by outcome. '
    'patients: of those with an outcome. '
    'true_positives, sensitivity_design_effect: of the positives: flagged, and D, that divides their number. '
    'true_negatives, specificity_design_effect: of the negatives: not flagged, and D. '
    'screened, flagged, flag_design_effect: all screened images, those flagged, and D. '
    'rejected, rejection_design_effect: images that could not be screened, and D of screened and rejected. '
    'A D is NULL where it cannot be known: one patient, whose images differ. '
    'residual: mean of outcome minus probability. '
    'residual_variance: of the residual, the larger of clustered and plain; NULL below two cases or patients. '
    'patients_seen, images_without_patient: of all images screened or rejected; an image that names no patient '
    'counts as one.';

-- Only what RETURN QUERY runs has parallel processes; what fills a variable has none.
CREATE FUNCTION figures.halves(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, coarser text, source text,
    keys text[], coarser_keys text[], through integer,
    influence double precision[], coarser_influence double precision[]
)
RETURNS TABLE (
    fine integer,
    coarse integer,
    patients bigint,
    m_patients bigint,
    n_patients bigint,
    s_patients bigint,
    t_patients bigint,
    unnamed bigint,
    area_square double precision,
    coarse_area_square double precision,
    l numeric,
    m numeric,
    n numeric,
    tp numeric,
    fp numeric,
    s numeric,
    f numeric,
    t numeric,
    r numeric,
    tp_tp numeric,
    tp_m numeric,
    m_m numeric,
    tn_tn numeric,
    tn_n numeric,
    n_n numeric,
    f_f numeric,
    f_s numeric,
    s_s numeric,
    x_x numeric,
    x_t numeric,
    t_t numeric,
    r_r numeric,
    r_l numeric,
    l_l numeric,
    mixed bigint[]
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM figures.half_of_patients(
        since, until, as_of, model, dimension, coarser, source, keys, coarser_keys, through, influence,
        coarser_influence, 0, true, NULL
    )
    UNION ALL
    SELECT * FROM figures.half_of_patients(
        since, until, as_of, model, dimension, coarser, source, keys, coarser_keys, through, influence,
        coarser_influence, 1, true, NULL
    );
END;
$$;
COMMENT ON FUNCTION figures.halves(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer, double precision[],
    double precision[]
) IS 'figures.half_of_patients for two dimensions at once, of both halves.';

CREATE FUNCTION audit.skin_type_components(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    dimension text,
    group_value text,
    theta double precision,
    variance double precision,
    s10 double precision,
    s01 double precision,
    positives bigint,
    negatives bigint,
    patients bigint,
    true_positives bigint,
    sensitivity_design_effect double precision,
    true_negatives bigint,
    specificity_design_effect double precision,
    screened bigint,
    flagged bigint,
    flag_design_effect double precision,
    rejected bigint,
    rejection_design_effect double precision,
    residual double precision,
    residual_variance double precision,
    patients_seen bigint,
    images_without_patient bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET plan_cache_mode = force_custom_plan
-- Each half is one pass of one process that hashes its patients: rows may not travel between processes. The
-- planner does not see how many patients there are.
SET parallel_tuple_cost = 10
SET enable_sort = off
SET enable_gathermerge = off
SET enable_nestloop = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    types text[];
    groups text[];
    through integer := figures.last_increment(as_of);
    of_types record;
    of_groups record;
    sums_of_types figures.patient_sums[];
    sums_of_groups figures.patient_sums[];
    mixed bigint[];
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, 'fst', source);
    types := figures.group_keys(as_of, model, 'fst', source);
    groups := figures.group_keys(as_of, model, 'fst_group', source);
    of_types := figures.areas(since, until, as_of, model, 'fst', source, types, through);
    of_groups := figures.areas(since, until, as_of, model, 'fst_group', source, groups, through);
    SELECT
        array_agg(ROW(
            h.fine, h.patients, h.m_patients, h.n_patients, h.s_patients, h.t_patients, h.unnamed,
                h.area_square, h.l, h.m, h.n, h.tp, h.fp, h.s, h.f, h.t, h.r, h.tp_tp, h.tp_m, h.m_m,
                h.tn_tn, h.tn_n, h.n_n, h.f_f, h.f_s, h.s_s, h.x_x, h.x_t, h.t_t, h.r_r, h.r_l, h.l_l
        )::figures.patient_sums) FILTER (WHERE h.fine IS NOT NULL),
        array_agg(ROW(
            h.coarse, h.patients, h.m_patients, h.n_patients, h.s_patients, h.t_patients, h.unnamed,
                h.coarse_area_square, h.l, h.m, h.n, h.tp, h.fp, h.s, h.f, h.t, h.r, h.tp_tp, h.tp_m,
                h.m_m, h.tn_tn, h.tn_n, h.n_n, h.f_f, h.f_s, h.s_s, h.x_x, h.x_t, h.t_t, h.r_r, h.r_l,
                h.l_l
        )::figures.patient_sums) FILTER (WHERE h.fine IS NOT NULL),
        ('{' || string_agg(array_to_string(h.mixed, ','), ',') || '}')::bigint[]
    INTO sums_of_types, sums_of_groups, mixed
    FROM figures.halves(
        since, until, as_of, model, 'fst', 'fst_group', source, types, groups, through, of_types.influence,
        of_groups.influence
    ) AS h;
    IF mixed IS NOT NULL THEN
        sums_of_types := sums_of_types || ARRAY(
            SELECT counted FROM figures.sums_by_group(
                since, until, as_of, model, 'fst', source, types, through, of_types.influence, mixed
            ) AS counted
        );
        sums_of_groups := sums_of_groups || ARRAY(
            SELECT counted FROM figures.sums_by_group(
                since, until, as_of, model, 'fst_group', source, groups, through, of_groups.influence, mixed
            ) AS counted
        );
    END IF;
    RETURN QUERY
    SELECT 'fst', c.* FROM figures.components(sums_of_types, of_types.areas, types) AS c
    UNION ALL
    SELECT 'fst_group', c.* FROM figures.components(sums_of_groups, of_groups.areas, groups) AS c;
END;
$$;
COMMENT ON FUNCTION audit.skin_type_components(timestamptz, timestamptz, timestamptz, text, text) IS
    'audit.components for dimensions fst and fst_group in one pass over the images. '
    'dimension: fst or fst_group. '
    'All other columns as there: group_value, theta, variance, s10, s01, positives, negatives, patients, '
    'true_positives, sensitivity_design_effect, true_negatives, specificity_design_effect, screened, flagged, '
    'flag_design_effect, rejected, rejection_design_effect, residual, residual_variance, patients_seen, '
    'images_without_patient.';
