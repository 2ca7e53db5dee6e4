-- What has changed since the last increment, and how it is added to the sums.

CREATE FUNCTION figures.last_increment(as_of timestamptz) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(max(i.increment_id), 0) FROM public.audit_increments AS i WHERE i.as_of <= last_increment.as_of;
END;
COMMENT ON FUNCTION figures.last_increment(timestamptz) IS
    'The newest increment that holds nothing learned after as_of; 0 when there is none.';

CREATE FUNCTION figures.touched(after_time timestamptz, as_of timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.screening_id FROM public.audit_records AS r
    WHERE r.recorded_at > after_time AND r.recorded_at <= as_of
    UNION
    SELECT o.screening_id FROM audit.first_outcomes AS o
    WHERE o.known_at > after_time AND o.known_at <= as_of
    UNION
    SELECT o.screening_id FROM audit.further_outcomes AS o
    WHERE (o.known_at > after_time AND o.known_at <= as_of)
        OR (o.displaced_at > after_time AND o.displaced_at <= as_of)
    UNION
    SELECT t.screening_id FROM audit.matched_skin_types AS t
    WHERE (t.known_at > after_time AND t.known_at <= as_of)
        OR (t.displaced_at > after_time AND t.displaced_at <= as_of);
END;
COMMENT ON FUNCTION figures.touched(timestamptz, timestamptz) IS
    'Screenings of which something became known in (after_time, as_of].';

CREATE FUNCTION figures.changes(as_of timestamptz)
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
-- The list of screenings must be seen by the planner, or no index is used for it.
SET plan_cache_mode = force_custom_plan
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    after_id integer := figures.last_increment(changes.as_of);
    after_time timestamptz;
    touched uuid[];
BEGIN
    IF after_id > 0 THEN
        SELECT i.as_of INTO after_time FROM public.audit_increments AS i WHERE i.increment_id = after_id;
        IF after_time = changes.as_of THEN
            RETURN;
        END IF;
        touched := ARRAY(SELECT figures.touched(after_time, changes.as_of));
        IF cardinality(touched) = 0 THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    SELECT
        sum(c.sign)::smallint, c.audit_id, c.patient_number, c.last_modified, c.sampling_probability,
        c.latency_ms, c.score, c.model_version, c.outcome, c.reason, c.flagged, c.fst, c.fst_source, c.site,
        c.device, c.modality, c.body_site, c.age_band, c.sex, c.malignant, c.contradictory, c.label_source,
        c.verification_reason
    FROM (
        SELECT
            1 AS sign, n.audit_id, n.patient_number, n.last_modified, n.sampling_probability,
            least(round(n.latency_s * 1000), 2147483647)::integer AS latency_ms,
            n.score, n.model_version, n.outcome, n.reason, n.flagged, n.fst, n.fst_source, n.site, n.device,
            n.modality, n.body_site, n.age_band, n.sex, n.malignant, n.contradictory, n.label_source,
            n.verification_reason
        FROM figures.case_rows('-infinity', 'infinity', changes.as_of, NULL, touched) AS n
        UNION ALL
        SELECT
            -e.sign, e.audit_id, e.patient_number, e.last_modified, e.sampling_probability, e.latency_ms,
            e.score, s.model_version, s.outcome, s.reason, s.flagged, s.fst, s.fst_source, s.site, s.device,
            s.modality, s.body_site, s.age_band, s.sex, s.malignant, s.contradictory, s.label_source,
            s.verification_reason
        FROM public.audit_records AS r
        JOIN public.audit_entries AS e ON e.audit_id = r.audit_id
        JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
        WHERE r.screening_id = ANY (touched) AND e.increment_id <= after_id
    ) AS c
    GROUP BY
        c.audit_id, c.patient_number, c.last_modified, c.sampling_probability, c.latency_ms, c.score,
        c.model_version, c.outcome, c.reason, c.flagged, c.fst, c.fst_source, c.site, c.device, c.modality,
        c.body_site, c.age_band, c.sex, c.malignant, c.contradictory, c.label_source, c.verification_reason
    HAVING sum(c.sign) <> 0;
END;
$$;
COMMENT ON FUNCTION figures.changes(timestamptz) IS
    'Signed cases that lead from the last increment before as_of, or from nothing, to what was known at as_of.';

CREATE FUNCTION figures.settle(as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own xid8 := pg_current_xact_id();
    deadline timestamptz := clock_timestamp() + interval '30 seconds';
BEGIN
    IF as_of > clock_timestamp() THEN
        RAISE EXCEPTION 'as_of lies in the future' USING ERRCODE = '22023';
    END IF;
    -- Rows carry the time at which they were written and are seen when their transaction ends: wait for all
    -- that began to write before this one did.
    WHILE pg_snapshot_xmin(pg_current_snapshot()) < own LOOP
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'a transaction that began before as_of still writes: try again later'
                USING ERRCODE = '55000';
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION figures.settle(timestamptz) IS
    'Waits until every row that carries a time up to as_of can be seen.';

CREATE FUNCTION audit.increment(as_of timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (increment_id integer, known_until timestamptz, entries bigint, cells bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    newest public.audit_increments;
    added integer;
BEGIN
    PERFORM figures.settle(increment.as_of);
    -- One at a time; readers go on.
    LOCK TABLE public.audit_increments IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM public.audit_increments AS i ORDER BY i.as_of DESC LIMIT 1;
    IF newest.as_of >= increment.as_of THEN
        RETURN QUERY SELECT newest.increment_id, newest.as_of, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    added := nextval(pg_get_serial_sequence('public.audit_increments', 'increment_id'));
    RETURN QUERY
    WITH changes AS MATERIALIZED (
        SELECT
            c.*,
            ROW(
                c.model_version, c.outcome, c.reason, c.flagged, c.fst, c.fst_source, c.site, c.device,
                c.modality, c.body_site, c.age_band, c.sex, c.malignant, c.contradictory, c.label_source,
                c.verification_reason
            )::text AS description
        FROM figures.changes(increment.as_of) AS c
    ),
    new_strata AS (
        INSERT INTO public.audit_strata (
            description, model_version, outcome, reason, flagged, fst, fst_source, site, device, modality,
            body_site, age_band, sex, malignant, contradictory, label_source, verification_reason
        )
        SELECT DISTINCT
            c.description, c.model_version, c.outcome, c.reason, c.flagged, c.fst, c.fst_source, c.site,
            c.device, c.modality, c.body_site, c.age_band, c.sex, c.malignant, c.contradictory,
            c.label_source, c.verification_reason
        FROM changes AS c
        WHERE NOT EXISTS (SELECT FROM public.audit_strata AS s WHERE s.description = c.description)
        RETURNING stratum_id, description
    ),
    strata AS (
        SELECT s.stratum_id, s.description FROM public.audit_strata AS s
        UNION ALL
        SELECT s.stratum_id, s.description FROM new_strata AS s
    ),
    new_entries AS (
        INSERT INTO public.audit_entries (
            audit_id, increment_id, sign, stratum_id, patient_number, last_modified, latency_ms, score,
            sampling_probability
        )
        SELECT
            c.audit_id, added, c.sign, s.stratum_id, c.patient_number, c.last_modified, c.latency_ms,
            c.score, c.sampling_probability
        FROM changes AS c
        JOIN strata AS s ON s.description = c.description
        RETURNING 1
    ),
    new_cells AS (
        INSERT INTO public.audit_histogram (
            increment_id, day, model_version, fst_source, fst, outcome, reason, flagged, malignant,
            contradictory, score, images
        )
        SELECT
            added, (c.last_modified AT TIME ZONE 'UTC')::date, c.model_version, c.fst_source, c.fst,
            c.outcome, c.reason, c.flagged, c.malignant, c.contradictory, c.score, sum(c.sign)
        FROM changes AS c
        GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        HAVING sum(c.sign) <> 0
        ORDER BY 2
        RETURNING 1
    )
    INSERT INTO public.audit_increments (increment_id, as_of, entries, cells)
    OVERRIDING SYSTEM VALUE
    SELECT added, increment.as_of, (SELECT count(*) FROM new_entries), (SELECT count(*) FROM new_cells)
    RETURNING increment_id, as_of, entries, cells;
END;
$$;
COMMENT ON FUNCTION audit.increment(timestamptz) IS
    'Adds what became known since the last increment, until as_of, to the sums that figures are read from. '
    'A corrected outcome or skin type takes the old row back and adds the new one. The same as_of again, or an '
    'earlier one, adds nothing. Call it every night; figures of any as_of are right without it, only slower. '
    'increment_id: the newest increment. '
    'known_until: the as_of that it holds everything known until. '
    'entries, cells: rows added to audit_entries and audit_histogram by this call.';
