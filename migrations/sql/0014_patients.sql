-- The pass over patients: strata that count alike are looked up in an array, which stays in a processor's cache as a
-- hash table of all strata does not. At ten million images 1.5 s of processor time of 17.

DROP FUNCTION
    figures.halves(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer,
        double precision[], double precision[]
    ),
    figures.half_of_patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean,
        double precision[], double precision[], integer
    ),
    figures.patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean
    );

CREATE FUNCTION figures.alike_strata(type_places integer[], group_places integer[]) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- No NULL: an array that holds one is searched from its beginning.
    SELECT array_agg(coalesce(a.first_stratum_id, 0) ORDER BY i.stratum_id)
    FROM generate_series(1, (SELECT max(s.stratum_id) FROM public.audit_strata AS s)) AS i(stratum_id)
    LEFT JOIN (
        SELECT
            t.stratum_id,
            min(t.stratum_id) OVER (
                PARTITION BY
                    c.places, c.seen, c.called, c.false_positive, c.class, c.fine_place, c.coarse_place
            ) AS first_stratum_id
        FROM public.audit_strata AS t
        CROSS JOIN LATERAL figures.patient_code(
            type_places[t.group_ids[2]], group_places[t.group_ids[3]], t.outcome, t.flagged, t.malignant
        ) AS c
        WHERE t.outcome <> 'superseded' AND c.places <> 0
    ) AS a ON a.stratum_id = i.stratum_id;
END;
COMMENT ON FUNCTION figures.alike_strata(integer[], integer[]) IS
    'At the place of each stratum the first that counts alike (figures.patient_code); 0 where the question means none.';

-- Places come as arrays: a query for them below would keep the planner from using two processes.
CREATE FUNCTION figures.patient_codes(
    since timestamptz, until timestamptz, as_of timestamptz, model text, source text,
    types text[], groups text[], type_places integer[], group_places integer[], alike integer[], through integer,
    changed boolean
)
RETURNS TABLE (
    sign integer,
    patient bigint,
    score integer,
    places integer,
    seen integer,
    called integer,
    residual integer,
    fine_place integer,
    coarse_place integer
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        e.sign::integer, coalesce(e.patient_number, -e.audit_id), e.score::integer, s.places, s.seen, s.called,
        (s.class * 10000 - e.score) * 4096 + s.false_positive, s.fine_place, s.coarse_place
    FROM public.audit_entries AS e
    JOIN (
        SELECT t.stratum_id, c.*
        FROM public.audit_strata AS t
        CROSS JOIN LATERAL figures.patient_code(
            type_places[t.group_ids[2]], group_places[t.group_ids[3]], t.outcome, t.flagged, t.malignant
        ) AS c
        WHERE alike[t.stratum_id] = t.stratum_id
        -- Once per stratum, not once per case. A bare 0 would keep the planner from using two processes.
        OFFSET bigint '0'
    ) AS s ON s.stratum_id = alike[e.stratum_id]
    WHERE e.last_modified >= since AND e.last_modified < until AND e.increment_id <= through
    UNION ALL
    SELECT
        n.sign::integer, coalesce(n.patient_number, -n.audit_id), n.score::integer, c.places, c.seen, c.called,
        (c.class * 10000 - n.score) * 4096 + c.false_positive, c.fine_place, c.coarse_place
    FROM figures.changes(as_of) AS n
    CROSS JOIN LATERAL figures.patient_code(
        array_position(types, figures.group_key(
            'fst', n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        )),
        array_position(groups, figures.group_key(
            'fst_group', n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        )),
        n.outcome, n.flagged, n.malignant
    ) AS c
    -- Known when it is planned: without changes every case passes two steps less.
    WHERE changed AND n.last_modified >= since AND n.last_modified < until AND n.outcome <> 'superseded'
        AND n.model_version = model AND figures.in_question('fst', source, n.fst_source);
END;
COMMENT ON FUNCTION figures.patient_codes(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
    boolean
) IS 'Signed cases as figures.patient_code counts them. residual: outcome minus score, from bit 12, and false positive.';

CREATE FUNCTION figures.half_of_patient_codes(
    since timestamptz, until timestamptz, as_of timestamptz, model text, source text,
    types text[], groups text[], type_places integer[], group_places integer[], alike integer[], through integer,
    changed boolean, influence double precision[], coarser_influence double precision[], half integer
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
        -- Bits of a type and of a group, to their places.
        CASE WHEN q.mixed IS NULL THEN log(2, q.places & 65535)::integer END AS fine,
        CASE WHEN q.mixed IS NULL THEN log(2, q.places >> 16)::integer + 1 END AS coarse,
        q.patients, q.m_patients, q.n_patients, q.s_patients, q.t_patients, q.unnamed,
        q.area_square, q.coarse_area_square,
        q.l, q.m, q.n, q.tp, q.fp, q.s, q.f, q.t, q.r, q.tp_tp, q.tp_m, q.m_m, q.tn_tn, q.tn_n, q.n_n, q.f_f, q.f_s,
        q.s_s, q.x_x, q.x_t, q.t_t, q.r_r, q.r_l, q.l_l, q.mixed
    FROM (
        SELECT
            h.places, h.is_mixed,
            coalesce(sum(h.n) FILTER (WHERE h.l > 0), 0)::bigint AS patients,
            coalesce(sum(h.n) FILTER (WHERE h.m > 0), 0)::bigint AS m_patients,
            coalesce(sum(h.n) FILTER (WHERE h.l > h.m), 0)::bigint AS n_patients,
            coalesce(sum(h.n) FILTER (WHERE h.s > 0), 0)::bigint AS s_patients,
            sum(h.n)::bigint AS t_patients, sum(h.unnamed)::bigint AS unnamed,
            sum(h.area_square) FILTER (WHERE h.l > 0) AS area_square,
            sum(h.coarse_area_square) FILTER (WHERE h.l > 0) AS coarse_area_square,
            sum(h.n * h.l) AS l, sum(h.n * h.m) AS m, sum(h.n * (h.l - h.m)) AS n,
            sum(h.n * h.tp) AS tp, sum(h.n * h.fp) AS fp,
            sum(h.n * h.s) AS s, sum(h.n * h.f) AS f, sum(h.n * h.t) AS t, sum(h.residual) AS r,
            sum(h.n * h.tp * h.tp) AS tp_tp, sum(h.n * h.tp * h.m) AS tp_m, sum(h.n * h.m * h.m) AS m_m,
            sum(h.n * (h.l - h.m - h.fp) * (h.l - h.m - h.fp)) AS tn_tn,
            sum(h.n * (h.l - h.m - h.fp) * (h.l - h.m)) AS tn_n,
            sum(h.n * (h.l - h.m) * (h.l - h.m)) AS n_n,
            sum(h.n * h.f * h.f) AS f_f, sum(h.n * h.f * h.s) AS f_s, sum(h.n * h.s * h.s) AS s_s,
            sum(h.n * (h.t - h.s) * (h.t - h.s)) AS x_x, sum(h.n * (h.t - h.s) * h.t) AS x_t,
            sum(h.n * h.t * h.t) AS t_t,
            sum(h.residual_square) AS r_r, sum(h.residual * h.l) AS r_l, sum(h.n * h.l * h.l) AS l_l,
            ('{' || string_agg(array_to_string(h.mixed, ','), ',') || '}')::bigint[] AS mixed
        FROM (
            SELECT
                p.places, p.is_mixed,
                p.seen >> 24 AS t, p.seen >> 12 & 4095 AS l, p.seen & 4095 AS m,
                p.called >> 24 AS s, p.called >> 12 & 4095 AS f, p.called & 4095 AS tp, p.false_positives AS fp,
                count(*) AS n, count(*) FILTER (WHERE p.patient < 0) AS unnamed,
                sum(p.area * p.area) AS area_square, sum(p.coarse_area * p.coarse_area) AS coarse_area_square,
                sum(p.residual) AS residual, sum(p.residual * p.residual) AS residual_square,
                array_agg(p.patient) FILTER (WHERE p.is_mixed) AS mixed
            FROM (
                SELECT
                    g.*,
                    -- Of several types, or of more images than twelve bits count.
                    (g.places & 65535) & ((g.places & 65535) - 1) <> 0 OR g.seen >> 24 >= 4096 AS is_mixed
                FROM (
                    SELECT
                        r.patient, figures.bits(r.places) AS places,
                        sum(r.sign * r.seen) AS seen, sum(r.sign * r.called) AS called,
                        coalesce(sum(r.sign * r.residual), 0) & 4095 AS false_positives,
                        coalesce(sum(r.sign * r.residual), 0) >> 12 AS residual,
                        coalesce(sum(r.sign * influence[r.fine_place + r.score]), 0) AS area,
                        coalesce(sum(r.sign * coarser_influence[r.coarse_place + r.score]), 0) AS coarse_area
                    FROM figures.patient_codes(
                        since, until, as_of, model, source, types, groups, type_places, group_places, alike, through,
                        changed
                    ) AS r
                    WHERE r.patient & 1 = half
                    GROUP BY r.patient
                    HAVING sum(r.sign * r.seen) <> 0
                ) AS g
            ) AS p
            GROUP BY p.places, p.is_mixed, p.seen, p.called, p.false_positives
        ) AS h
        GROUP BY h.places, h.is_mixed
    ) AS q;
END;
COMMENT ON FUNCTION figures.half_of_patient_codes(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
    boolean, double precision[], double precision[], integer
) IS
    'figures.half_of_patients by type and group at once. Patients with the same counts are summed as one; those of '
    'several types or with too many images to be packed are not in the sums but returned.';

-- Only what RETURN QUERY runs has parallel processes; what fills a variable has none.
CREATE FUNCTION figures.halves(
    since timestamptz, until timestamptz, as_of timestamptz, model text, source text,
    types text[], groups text[], type_places integer[], group_places integer[], alike integer[], through integer,
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
DECLARE
    changed boolean := EXISTS (SELECT FROM figures.changes(as_of));
BEGIN
    RETURN QUERY
    SELECT * FROM figures.half_of_patient_codes(
        since, until, as_of, model, source, types, groups, type_places, group_places, alike, through, changed,
        influence, coarser_influence, 0
    )
    UNION ALL
    SELECT * FROM figures.half_of_patient_codes(
        since, until, as_of, model, source, types, groups, type_places, group_places, alike, through, changed,
        influence, coarser_influence, 1
    );
END;
$$;
COMMENT ON FUNCTION figures.halves(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
    double precision[], double precision[]
) IS 'figures.half_of_patient_codes of both halves.';

CREATE OR REPLACE FUNCTION audit.skin_type_components(
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
    type_places integer[];
    group_places integer[];
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, 'fst', source);
    types := figures.group_keys(as_of, model, 'fst', source);
    groups := figures.group_keys(as_of, model, 'fst_group', source);
    of_types := figures.areas(since, until, as_of, model, 'fst', source, types, through);
    of_groups := figures.areas(since, until, as_of, model, 'fst_group', source, groups, through);
    type_places := figures.group_places(model, 'fst', source, types);
    group_places := figures.group_places(model, 'fst_group', source, groups);
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
        since, until, as_of, model, source, types, groups, type_places, group_places,
        figures.alike_strata(type_places, group_places), through, of_types.influence, of_groups.influence
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

-- Nobody but the functions of schema audit calls what is in schema figures.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
