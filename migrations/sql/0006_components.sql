-- Every image once: sums by patient, of half the patients at a time. Two halves are two processes, each of which
-- keeps its patients for itself: parallel workers over all rows would each know of most patients, and spend more on
-- telling each other than on counting.

DROP FUNCTION audit.components(timestamptz, timestamptz, timestamptz, text, text, text);
DROP FUNCTION figures.by_patient(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, double precision[]
);

CREATE FUNCTION figures.half_of_patients(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text,
    keys text[], through integer,
    influence double precision[], half integer
)
RETURNS TABLE (
    group_index integer,
    patients bigint,
    m_patients bigint,
    n_patients bigint,
    s_patients bigint,
    t_patients bigint,
    unnamed bigint,
    area_square double precision,
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
    l_l numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        p.group_index,
        count(*) FILTER (WHERE p.labelled > 0) AS patients,
        count(*) FILTER (WHERE p.positives > 0) AS m_patients,
        count(*) FILTER (WHERE p.labelled > p.positives) AS n_patients,
        count(*) FILTER (WHERE p.screened > 0) AS s_patients,
        count(*) AS t_patients,
        count(*) FILTER (WHERE p.patient < 0) AS unnamed,
        sum(p.area * p.area) FILTER (WHERE p.labelled > 0) AS area_square,
        sum(p.labelled) AS l, sum(p.positives) AS m, sum(p.labelled - p.positives) AS n,
        sum(p.true_positives) AS tp, sum(p.false_positives) AS fp,
        sum(p.screened) AS s, sum(p.flagged) AS f, sum(p.images) AS t, sum(p.residual) AS r,
        sum(p.true_positives * p.true_positives) AS tp_tp, sum(p.true_positives * p.positives) AS tp_m,
        sum(p.positives * p.positives) AS m_m,
        sum((p.labelled - p.positives - p.false_positives) * (p.labelled - p.positives - p.false_positives))
            AS tn_tn,
        sum((p.labelled - p.positives - p.false_positives) * (p.labelled - p.positives)) AS tn_n,
        sum((p.labelled - p.positives) * (p.labelled - p.positives)) AS n_n,
        sum(p.flagged * p.flagged) AS f_f, sum(p.flagged * p.screened) AS f_s,
        sum(p.screened * p.screened) AS s_s,
        sum((p.images - p.screened) * (p.images - p.screened)) AS x_x, sum((p.images - p.screened) * p.images) AS x_t,
        sum(p.images * p.images) AS t_t,
        sum(p.residual * p.residual) AS r_r, sum(p.residual * p.labelled) AS r_l,
        sum(p.labelled * p.labelled) AS l_l
    FROM (
        SELECT
            g.group_index, g.patient,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant IS NOT NULL), 0) AS labelled,
            coalesce(
                sum(g.sign * influence[(g.group_index - 1) * 20002 + g.malignant::integer * 10001 + g.score + 1]),
                0
            ) AS area,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant), 0) AS positives,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant AND g.flagged), 0) AS true_positives,
            coalesce(sum(g.sign) FILTER (WHERE NOT g.malignant AND g.flagged), 0) AS false_positives,
            coalesce(sum(g.sign * (g.malignant::integer * 10000 - g.score)), 0) AS residual,
            coalesce(sum(g.sign) FILTER (WHERE g.score IS NOT NULL), 0) AS screened,
            coalesce(sum(g.sign) FILTER (WHERE g.flagged), 0) AS flagged,
            sum(g.sign) AS images
        FROM (
            SELECT
                h.sign, h.group_index, h.patient, h.score, h.flagged,
                CASE WHEN h.outcome = 'screened' THEN h.malignant END AS malignant
            FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS h
            WHERE h.outcome <> 'superseded' AND h.patient & 1 = half
        ) AS g
        GROUP BY g.group_index, g.patient
        HAVING sum(g.sign) <> 0
    ) AS p
    GROUP BY p.group_index;
END;
COMMENT ON FUNCTION figures.half_of_patients(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, double precision[], integer
) IS
    'Sums over the patients of each group whose number is even (half 0) or odd (1): of how many images each has '
    '(labelled l, positives m, negatives n, flagged f, screened s, rejected x, all t), their squares and products; '
    'residual r in units of 1/10,000.';

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
    areas jsonb;
    -- What an image of a group, class and score adds to the AUROC of its group, found by its place: an array
    -- travels to parallel workers, a temporary table does not, and auditors may not make one.
    influence double precision[];
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
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
        )
    INTO influence, areas;
    RETURN QUERY
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
            h.group_index,
            sum(h.patients) AS patients,
            sum(h.m_patients) AS m_patients,
            sum(h.n_patients) AS n_patients,
            sum(h.s_patients) AS s_patients,
            sum(h.t_patients) AS t_patients,
            sum(h.unnamed) AS unnamed,
            sum(h.area_square) AS area_square,
            sum(h.l) AS l,
            sum(h.m) AS m,
            sum(h.n) AS n,
            sum(h.tp) AS tp,
            sum(h.fp) AS fp,
            sum(h.s) AS s,
            sum(h.f) AS f,
            sum(h.t) AS t,
            sum(h.r) AS r,
            sum(h.tp_tp) AS tp_tp,
            sum(h.tp_m) AS tp_m,
            sum(h.m_m) AS m_m,
            sum(h.tn_tn) AS tn_tn,
            sum(h.tn_n) AS tn_n,
            sum(h.n_n) AS n_n,
            sum(h.f_f) AS f_f,
            sum(h.f_s) AS f_s,
            sum(h.s_s) AS s_s,
            sum(h.x_x) AS x_x,
            sum(h.x_t) AS x_t,
            sum(h.t_t) AS t_t,
            sum(h.r_r) AS r_r,
            sum(h.r_l) AS r_l,
            sum(h.l_l) AS l_l
        FROM (
            SELECT * FROM figures.half_of_patients(
                since, until, as_of, model, dimension, source, keys, through, influence, 0
            )
            UNION ALL
            SELECT * FROM figures.half_of_patients(
                since, until, as_of, model, dimension, source, keys, through, influence, 1
            )
        ) AS h
        GROUP BY h.group_index
    ) AS t
    LEFT JOIN jsonb_to_recordset(areas) AS a(
        i integer, theta double precision, s10 double precision, s01 double precision, squares numeric
    ) ON a.i = t.group_index
    ORDER BY keys[t.group_index];
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
