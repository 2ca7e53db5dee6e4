-- How what became known is added to the sums.

-- What one night brings is looked up by its keys: four tables of ten million rows are not read for it.
ALTER FUNCTION figures.changes(timestamptz) SET random_page_cost = 1.1;

DROP FUNCTION audit.increment(timestamptz);

CREATE FUNCTION audit.increment(as_of timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (increment_id integer, known_until timestamptz, entries bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET jit = off
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
        RETURN QUERY SELECT newest.increment_id, newest.as_of, 0::bigint;
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
    fresh AS MATERIALIZED (
        SELECT DISTINCT ON (c.description)
            c.*, ROW(c.outcome, c.reason, c.flagged, c.malignant, c.contradictory)::text AS kind
        FROM changes AS c
        WHERE NOT EXISTS (SELECT FROM public.audit_strata AS s WHERE s.description = c.description)
    ),
    new_kinds AS (
        INSERT INTO public.audit_kinds (description, outcome, reason, flagged, malignant, contradictory)
        SELECT DISTINCT f.kind, f.outcome, f.reason, f.flagged, f.malignant, f.contradictory
        FROM fresh AS f
        WHERE NOT EXISTS (SELECT FROM public.audit_kinds AS k WHERE k.description = f.kind)
        RETURNING kind_id, description
    ),
    kinds AS (
        SELECT k.kind_id, k.description FROM public.audit_kinds AS k
        UNION ALL
        SELECT k.kind_id, k.description FROM new_kinds AS k
    ),
    grouped AS MATERIALIZED (
        SELECT
            f.description AS stratum, f.model_version, d.*,
            ROW(f.model_version, d.number, d.fst_source, d.value, d.site)::text AS description
        FROM fresh AS f
        CROSS JOIN LATERAL figures.groups_of(
            f.fst, f.fst_source, f.site, f.modality, f.age_band, f.sex, f.body_site, f.device
        ) AS d
    ),
    new_groups AS (
        INSERT INTO public.audit_groups (
            description, model_version, number, dimension, fst_source, value, site
        )
        SELECT DISTINCT g.description, g.model_version, g.number, g.dimension, g.fst_source, g.value, g.site
        FROM grouped AS g
        WHERE NOT EXISTS (SELECT FROM public.audit_groups AS o WHERE o.description = g.description)
        RETURNING group_id, description
    ),
    groups AS (
        SELECT g.group_id, g.description FROM public.audit_groups AS g
        UNION ALL
        SELECT g.group_id, g.description FROM new_groups AS g
    ),
    placed AS (
        SELECT g.stratum, array_agg(o.group_id ORDER BY g.number) AS group_ids
        FROM grouped AS g JOIN groups AS o ON o.description = g.description
        GROUP BY g.stratum
    ),
    new_strata AS (
        INSERT INTO public.audit_strata (
            description, model_version, outcome, reason, flagged, fst, fst_source, site, device, modality,
            body_site, age_band, sex, malignant, contradictory, label_source, verification_reason, kind_id,
            group_ids
        )
        SELECT
            f.description, f.model_version, f.outcome, f.reason, f.flagged, f.fst, f.fst_source, f.site,
            f.device, f.modality, f.body_site, f.age_band, f.sex, f.malignant, f.contradictory,
            f.label_source, f.verification_reason, k.kind_id, p.group_ids
        FROM fresh AS f
        JOIN kinds AS k ON k.description = f.kind
        JOIN placed AS p ON p.stratum = f.description
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
        ORDER BY c.audit_id
        RETURNING 1
    )
    INSERT INTO public.audit_increments (increment_id, as_of, entries)
    OVERRIDING SYSTEM VALUE
    SELECT added, increment.as_of, (SELECT count(*) FROM new_entries)
    RETURNING increment_id, as_of, entries;
END;
$$;
COMMENT ON FUNCTION audit.increment(timestamptz) IS
    'Adds what became known since the last increment, until as_of, to the sums that figures are read from. '
    'A corrected outcome or skin type takes the old row back and adds the new one. The same as_of again, or an '
    'earlier one, adds nothing. Call it every night; figures of any as_of are right without it, only slower. '
    'increment_id: the newest increment. '
    'known_until: the as_of that it holds everything known until. '
    'entries: rows added to audit_entries by this call.';
