-- Cases in the groups of one dimension, from the sums plus what was learned since.

CREATE FUNCTION figures.check_question(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text
) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF num_nulls(since, until, as_of, model, dimension, source) > 0 THEN
        RAISE EXCEPTION 'since, until, as_of, model, dimension and source must be given' USING ERRCODE = '22004';
    END IF;
    IF dimension NOT IN (
        'all', 'fst', 'fst_group', 'fst_source', 'site', 'modality', 'age_band', 'sex', 'body_site', 'device'
    ) THEN
        RAISE EXCEPTION 'dimension must be all, fst, fst_group, fst_source, site, modality, age_band, sex, '
            'body_site or device' USING ERRCODE = '22023';
    END IF;
    IF source NOT IN ('reported', 'estimated', 'simulated', 'unknown') THEN
        RAISE EXCEPTION 'source must be reported, estimated, simulated or unknown' USING ERRCODE = '22023';
    END IF;
END;
$$;
COMMENT ON FUNCTION figures.check_question(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'Refuses a question that nothing answers; SQLSTATE 22004 or 22023.';

-- '' is the group of the unknown, '=' || value any other. Cases then carry the place of theirs among all keys:
-- numbers are compared ten times as fast as words.
CREATE FUNCTION figures.group_key(
    dimension text, fst smallint, fst_source text, site text, modality text, age_band text, sex text,
    body_site text, device text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('=' || CASE dimension
    WHEN 'all' THEN 'all'
    WHEN 'fst' THEN fst::text
    WHEN 'fst_group' THEN audit.fst_group(fst)
    WHEN 'fst_source' THEN fst_source
    WHEN 'site' THEN site
    WHEN 'modality' THEN modality
    WHEN 'age_band' THEN age_band
    WHEN 'sex' THEN sex
    WHEN 'body_site' THEN body_site
    WHEN 'device' THEN device
END, '');
COMMENT ON FUNCTION figures.group_key(text, smallint, text, text, text, text, text, text, text) IS
    'The group of a case.';

CREATE FUNCTION figures.in_question(dimension text, source text, fst_source text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN dimension NOT IN ('fst', 'fst_group') OR fst_source = source;
COMMENT ON FUNCTION figures.in_question(text, text, text) IS
    'Skin types of different sources never stand in one number; other groups hold every case.';

CREATE FUNCTION figures.grouped(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[],
    through integer
)
RETURNS TABLE (
    sign integer,
    group_index integer,
    patient bigint,
    outcome text,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean,
    score integer,
    latency_ms integer,
    site text,
    verification_reason text,
    sampling_probability double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        e.sign::integer, s.group_index, coalesce(e.patient_number, -e.audit_id), s.outcome,
        s.reason, s.flagged, s.malignant, s.contradictory, e.score::integer, e.latency_ms, s.site,
        s.verification_reason, e.sampling_probability
    FROM public.audit_entries AS e
    JOIN (
        SELECT
            s.*,
            array_position(keys, figures.group_key(
                dimension, s.fst, s.fst_source, s.site, s.modality, s.age_band, s.sex, s.body_site, s.device
            )) AS group_index
        FROM public.audit_strata AS s
        WHERE s.model_version = model AND figures.in_question(dimension, source, s.fst_source)
        -- Groups nothing, as the key is unique; keeps the work above from being done once per case.
        GROUP BY s.stratum_id
    ) AS s ON s.stratum_id = e.stratum_id
    WHERE e.last_modified >= since AND e.last_modified < until
        AND e.increment_id <= through
    UNION ALL
    SELECT
        c.sign::integer, array_position(keys, k.group_key),
        coalesce(c.patient_number, -c.audit_id), c.outcome, c.reason, c.flagged, c.malignant,
        c.contradictory, c.score::integer, c.latency_ms, c.site, c.verification_reason,
        c.sampling_probability
    FROM figures.changes(as_of) AS c
    CROSS JOIN LATERAL (
        SELECT figures.group_key(
            dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        ) AS group_key
    ) AS k
    WHERE c.last_modified >= since AND c.last_modified < until
        AND c.model_version = model AND figures.in_question(dimension, source, c.fst_source);
END;
COMMENT ON FUNCTION figures.grouped(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Signed cases with their group and its place in keys; an image without patient is a patient of its own.';

CREATE FUNCTION figures.group_keys(as_of timestamptz, model text, dimension text, source text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(k.group_key ORDER BY k.group_key), '{}')
    FROM (
        SELECT figures.group_key(
            dimension, s.fst, s.fst_source, s.site, s.modality, s.age_band, s.sex, s.body_site, s.device
        ) AS group_key
        FROM public.audit_strata AS s
        WHERE s.model_version = model AND figures.in_question(dimension, source, s.fst_source)
        UNION
        SELECT figures.group_key(
            dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        )
        FROM figures.changes(as_of) AS c
        WHERE c.model_version = model AND figures.in_question(dimension, source, c.fst_source)
    ) AS k;
END;
COMMENT ON FUNCTION figures.group_keys(timestamptz, text, text, text) IS
    'Every group that any case of a model was ever in.';
