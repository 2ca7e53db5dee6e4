-- What is not in the sums yet, found by the numbers of terminal rows instead of identities looked up again and again.

-- `only_these`, where not NULL, restricts outcomes and skin types to these screenings, `records` the rows to
-- these terminal rows, before anything is resolved for them.
CREATE FUNCTION figures.case_rows(
    since timestamptz, until timestamptz, as_of timestamptz, model text, only_these uuid[],
    records bigint[]
)
RETURNS TABLE (
    audit_id bigint,
    screening_id uuid,
    model_version text,
    threshold smallint,
    outcome text,
    reason text,
    score smallint,
    flagged boolean,
    fst smallint,
    fst_source text,
    fst_group text,
    patient_number bigint,
    site text,
    modality text,
    age_band text,
    sex text,
    body_site text,
    device text,
    malignant boolean,
    contradictory boolean,
    label_source text,
    verification_reason text,
    sampling_probability double precision,
    reported_at timestamptz,
    label_known_at timestamptz,
    latency_s double precision,
    last_modified timestamptz,
    recorded_at timestamptz,
    maturity interval
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        r.audit_id, r.screening_id, r.model_version, r.threshold, r.outcome, r.reason, r.score, r.flagged,
        coalesce(t.fst, r.fst), coalesce(t.fst_source, r.fst_source),
        audit.fst_group(coalesce(t.fst, r.fst)),
        r.patient_number, r.site, r.modality, audit.age_band(r.age), r.sex, r.body_site, r.device,
        o.malignant, coalesce(o.contradictory, false), o.source, o.verification_reason,
        o.sampling_probability, o.reported_at, o.known_at,
        r.latency_s, r.last_modified, r.recorded_at, as_of - r.last_modified
    FROM audit.records AS r
    LEFT JOIN (
        SELECT o.* FROM audit.outcomes(as_of) AS o
        WHERE only_these IS NULL OR o.screening_id = ANY (only_these)
    ) AS o ON o.screening_id = r.screening_id
    LEFT JOIN (
        SELECT t.* FROM audit.skin_types(as_of) AS t
        WHERE only_these IS NULL OR t.screening_id = ANY (only_these)
    ) AS t ON t.screening_id = r.screening_id
    WHERE r.last_modified >= since AND r.last_modified < until
        AND r.recorded_at <= as_of
        AND (model IS NULL OR r.model_version = model)
        AND (records IS NULL OR r.audit_id = ANY (records));
END;
COMMENT ON FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[], bigint[]) IS
    'audit.cases of some terminal rows only.';

CREATE OR REPLACE FUNCTION audit.cases(
    since timestamptz, until timestamptz, as_of timestamptz DEFAULT now(), model text DEFAULT NULL
)
RETURNS TABLE (
    audit_id bigint,
    screening_id uuid,
    model_version text,
    threshold smallint,
    outcome text,
    reason text,
    score smallint,
    flagged boolean,
    fst smallint,
    fst_source text,
    fst_group text,
    patient_number bigint,
    site text,
    modality text,
    age_band text,
    sex text,
    body_site text,
    device text,
    malignant boolean,
    contradictory boolean,
    label_source text,
    verification_reason text,
    sampling_probability double precision,
    reported_at timestamptz,
    label_known_at timestamptz,
    latency_s double precision,
    last_modified timestamptz,
    recorded_at timestamptz,
    maturity interval
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.* FROM figures.case_rows(since, until, as_of, model, NULL, NULL) AS c;
END;

CREATE OR REPLACE FUNCTION figures.changes(as_of timestamptz)
RETURNS TABLE (
    sign smallint,
    audit_id bigint,
    patient_number bigint,
    last_modified timestamptz,
    sampling_probability double precision,
    latency_ms integer,
    score smallint,
    model_version text,
    outcome text,
    reason text,
    flagged boolean,
    fst smallint,
    fst_source text,
    site text,
    device text,
    modality text,
    body_site text,
    age_band text,
    sex text,
    malignant boolean,
    contradictory boolean,
    label_source text,
    verification_reason text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- The lists must be seen by the planner, or no index is used for them.
SET plan_cache_mode = force_custom_plan
-- What one night brings is looked up by its keys: four tables of ten million rows are not read for it.
SET random_page_cost = 1.1
AS $$
#variable_conflict use_column
DECLARE
    after_id integer := figures.last_increment(changes.as_of);
    after_time timestamptz;
    touched uuid[];
    records bigint[];
BEGIN
    IF after_id > 0 THEN
        SELECT i.as_of INTO after_time FROM public.audit_increments AS i WHERE i.increment_id = after_id;
        IF after_time = changes.as_of THEN
            RETURN;
        END IF;
        touched := ARRAY(SELECT figures.touched(after_time, changes.as_of));
        records := ARRAY(SELECT r.audit_id FROM public.audit_records AS r WHERE r.screening_id = ANY (touched));
        IF cardinality(records) = 0 THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    WITH known AS MATERIALIZED (
        SELECT
            1 AS sign, n.audit_id, n.patient_number, n.last_modified, n.sampling_probability,
            least(round(n.latency_s * 1000), 2147483647)::integer AS latency_ms,
            n.score, n.model_version, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device,
            n.modality, n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source,
            n.verification_reason
        FROM figures.case_rows('-infinity', 'infinity', changes.as_of, NULL, touched, records) AS n
    ),
    summed AS MATERIALIZED (
        SELECT
            -e.sign AS sign, e.audit_id, e.patient_number, e.last_modified, e.sampling_probability, e.latency_ms,
            e.score, s.model_version, s.outcome, s.reason, s.flagged, s.fst, s.fst_source, s.site, s.device,
            s.modality, s.body_site, s.age_band, s.sex, s.malignant, s.contradictory, s.label_source,
            s.verification_reason
        FROM public.audit_entries AS e
        JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
        WHERE e.audit_id = ANY (records) AND e.increment_id <= after_id
    )
    -- Most of what is new was never summed, and need not be compared with what was.
    SELECT
        n.sign::smallint, n.audit_id, n.patient_number, n.last_modified, n.sampling_probability, n.latency_ms, n.score,
        n.model_version, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device, n.modality,
        n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source, n.verification_reason
    FROM known AS n
    WHERE NOT EXISTS (SELECT FROM summed AS s WHERE s.audit_id = n.audit_id)
    UNION ALL
    SELECT
        sum(n.sign)::smallint, n.audit_id, n.patient_number, n.last_modified, n.sampling_probability, n.latency_ms,
        n.score,
        n.model_version, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device, n.modality,
        n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source, n.verification_reason
    FROM (
        SELECT k.* FROM known AS k WHERE EXISTS (SELECT FROM summed AS s WHERE s.audit_id = k.audit_id)
        UNION ALL
        SELECT s.* FROM summed AS s
    ) AS n
    GROUP BY
        n.audit_id, n.patient_number, n.last_modified, n.sampling_probability, n.latency_ms, n.score,
        n.model_version, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device, n.modality,
        n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source, n.verification_reason
    HAVING sum(n.sign) <> 0;
END;
$$;

CREATE OR REPLACE FUNCTION audit.unlike_sums(
    since timestamptz, until timestamptz, as_of timestamptz, model text
) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS $$
DECLARE
    newest public.audit_increments;
BEGIN
    IF num_nulls(since, until, as_of, model) > 0 THEN
        RAISE EXCEPTION 'since, until, as_of and model must be given' USING ERRCODE = '22004';
    END IF;
    SELECT * INTO newest FROM public.audit_increments AS i
    WHERE i.increment_id = figures.last_increment(unlike_sums.as_of);
    IF newest.increment_id IS NULL THEN
        RETURN 0;
    END IF;
    RETURN (
        SELECT count(DISTINCT d.audit_id)
        FROM (
            SELECT b.audit_id
            FROM (
                SELECT
                    1 AS sign, n.audit_id, n.patient_number, n.last_modified, n.sampling_probability,
                    least(round(n.latency_s * 1000), 2147483647)::integer AS latency_ms,
                    n.score, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device, n.modality,
                    n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source,
                    n.verification_reason
                FROM figures.case_rows(since, until, newest.as_of, model, NULL, NULL) AS n
                UNION ALL
                SELECT
                    -e.sign, e.audit_id, e.patient_number, e.last_modified, e.sampling_probability,
                    e.latency_ms, e.score, s.outcome, s.reason, s.flagged, s.fst, s.fst_source, s.site,
                    s.device, s.modality, s.body_site, s.age_band, s.sex, s.malignant, s.contradictory,
                    s.label_source, s.verification_reason
                FROM public.audit_entries AS e
                JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
                WHERE e.increment_id <= newest.increment_id AND s.model_version = model
                    AND e.last_modified >= since AND e.last_modified < until
            ) AS b
            GROUP BY
                b.audit_id, b.patient_number, b.last_modified, b.sampling_probability, b.latency_ms, b.score,
                b.outcome, b.reason, b.flagged, b.fst, b.fst_source, b.site, b.device, b.modality, b.body_site,
                b.age_band, b.sex, b.malignant, b.contradictory, b.label_source, b.verification_reason
            HAVING sum(b.sign) <> 0
        ) AS d
    );
END;
$$;

DROP FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[]);
