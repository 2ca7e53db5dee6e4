-- Sums are right as long as nobody changes the rows behind them. Whoever doubts it can ask.

CREATE FUNCTION audit.unlike_sums(
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
                FROM figures.case_rows(since, until, newest.as_of, model, NULL) AS n
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
COMMENT ON FUNCTION audit.unlike_sums(timestamptz, timestamptz, timestamptz, text) IS
    'How many images of a model and window the sums of audit.increment() describe otherwise than the rows do, '
    'as known at the last increment before as_of. 0 unless rows that were summed have changed or gone since: '
    'every figure is read from those sums.';
