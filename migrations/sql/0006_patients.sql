-- Every image once: sums by patient, of half the patients at a time. Two halves are two processes, each of which
-- keeps its patients for itself: parallel workers over all rows would each know of most patients, and spend more
-- on telling each other than on counting.

DROP FUNCTION audit.components(timestamptz, timestamptz, timestamptz, text, text, text);
DROP FUNCTION figures.by_patient(
    timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, double precision[]
);

CREATE TYPE figures.patient_sums AS (
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
);
COMMENT ON TYPE figures.patient_sums IS
    'Sums over the patients of a group: how many images each has (labelled l, positives m, negatives n, flagged f, '
    'screened s, rejected x, all t), their squares and products; residual r in units of 1/10,000.';

CREATE FUNCTION figures.patient_rows(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, coarser text, source text,
    keys text[], coarser_keys text[], through integer
)
RETURNS TABLE (
    sign integer,
    fine integer,
    coarse integer,
    patient bigint,
    score integer,
    flagged boolean,
    malignant boolean
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        e.sign::integer, s.fine, s.coarse, coalesce(e.patient_number, -e.audit_id), e.score::integer, s.flagged,
        s.malignant
    FROM public.audit_entries AS e
    JOIN (
        SELECT
            t.stratum_id, t.flagged, CASE WHEN t.outcome = 'screened' THEN t.malignant END AS malignant,
            (SELECT figures.group_places(model, dimension, source, keys))[
                t.group_ids[(figures.dimension_numbers(dimension))[1]]
            ] AS fine,
            (SELECT figures.group_places(model, coarser, source, coarser_keys))[
                t.group_ids[(figures.dimension_numbers(coarser))[1]]
            ] AS coarse
        FROM public.audit_strata AS t
        WHERE t.outcome <> 'superseded'
        -- Once per stratum, not once per case.
        OFFSET 0
    ) AS s ON s.stratum_id = e.stratum_id
    WHERE s.fine <> 0
        AND e.last_modified >= since AND e.last_modified < until AND e.increment_id <= through
    UNION ALL
    SELECT
        c.sign::integer,
        array_position(keys, figures.group_key(
            dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        )),
        array_position(coarser_keys, figures.group_key(
            coarser, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        )),
        coalesce(c.patient_number, -c.audit_id), c.score::integer, c.flagged,
        CASE WHEN c.outcome = 'screened' THEN c.malignant END
    FROM figures.changes(as_of) AS c
    WHERE c.last_modified >= since AND c.last_modified < until AND c.outcome <> 'superseded'
        AND c.model_version = model AND figures.in_question(dimension, source, c.fst_source);
END;
COMMENT ON FUNCTION figures.patient_rows(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer
) IS 'Signed cases with their groups in two dimensions, of which each group of one lies in one of the other.';

-- `paired`: group by patient alone, which answers both dimensions in one pass. The few patients whose images lie
-- in several groups are not in the sums but returned, to be counted by group with `only`.
CREATE FUNCTION figures.half_of_patients(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, coarser text, source text,
    keys text[], coarser_keys text[], through integer,
    influence double precision[], coarser_influence double precision[],
    half integer, paired boolean, only_these bigint[]
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
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        p.fine, p.coarse,
        count(*) FILTER (WHERE p.labelled > 0) AS patients,
        count(*) FILTER (WHERE p.positives > 0) AS m_patients,
        count(*) FILTER (WHERE p.labelled > p.positives) AS n_patients,
        count(*) FILTER (WHERE p.screened > 0) AS s_patients,
        count(*) AS t_patients,
        count(*) FILTER (WHERE p.patient < 0) AS unnamed,
        sum(p.area * p.area) FILTER (WHERE p.labelled > 0) AS area_square,
        sum(p.coarse_area * p.coarse_area) FILTER (WHERE p.labelled > 0) AS coarse_area_square,
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
        sum(p.labelled * p.labelled) AS l_l,
        array_agg(p.patient) FILTER (WHERE p.fine IS NULL) AS mixed
    FROM (
        SELECT
            g.patient,
            CASE WHEN min(g.fine) = max(g.fine) THEN min(g.fine) END AS fine,
            CASE WHEN min(g.fine) = max(g.fine) THEN min(g.coarse) END AS coarse,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant IS NOT NULL), 0) AS labelled,
            coalesce(
                sum(g.sign * influence[(g.fine - 1) * 20002 + g.malignant::integer * 10001 + g.score + 1]), 0
            ) AS area,
            coalesce(
                sum(g.sign * coarser_influence[
                    (g.coarse - 1) * 20002 + g.malignant::integer * 10001 + g.score + 1
                ]), 0
            ) AS coarse_area,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant), 0) AS positives,
            coalesce(sum(g.sign) FILTER (WHERE g.malignant AND g.flagged), 0) AS true_positives,
            coalesce(sum(g.sign) FILTER (WHERE NOT g.malignant AND g.flagged), 0) AS false_positives,
            coalesce(sum(g.sign * (g.malignant::integer * 10000 - g.score)), 0) AS residual,
            coalesce(sum(g.sign) FILTER (WHERE g.score IS NOT NULL), 0) AS screened,
            coalesce(sum(g.sign) FILTER (WHERE g.flagged), 0) AS flagged,
            sum(g.sign) AS images
        FROM figures.patient_rows(
            since, until, as_of, model, dimension, coarser, source, keys, coarser_keys, through
        ) AS g
        WHERE g.patient & 1 = half AND (only_these IS NULL OR g.patient = ANY (only_these))
        GROUP BY g.patient, CASE WHEN paired THEN 0 ELSE g.fine END
        HAVING sum(g.sign) <> 0
    ) AS p
    GROUP BY p.fine, p.coarse;
END;
COMMENT ON FUNCTION figures.half_of_patients(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer, double precision[],
    double precision[], integer, boolean, bigint[]
) IS 'figures.patient_sums of the patients whose number is even (half 0) or odd (1).';
