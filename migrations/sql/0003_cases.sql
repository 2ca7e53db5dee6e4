-- One row per terminal row, as it was known at a time. Everything else counts these.
--
-- Plain SQL over views, as in revision 0002: the planner takes audit.cases apart, so that a condition on it
-- reaches the indexes and ten million rows need not be written down before the first is seen.

CREATE SCHEMA figures;
COMMENT ON SCHEMA figures IS
    'What the functions of schema audit are made of; nobody but the owner uses these.';

CREATE FUNCTION audit.age_band(age smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN age < 18 THEN '0–17'
    WHEN age < 40 THEN '18–39'
    WHEN age < 60 THEN '40–59'
    WHEN age < 80 THEN '60–79'
    WHEN age >= 80 THEN '80+'
END;
COMMENT ON FUNCTION audit.age_band(smallint) IS
    'Age in years at acquisition as 0–17, 18–39, 40–59, 60–79 or 80+; NULL when unknown.';

CREATE FUNCTION audit.fst_group(fst smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN fst <= 2 THEN 'I–II' WHEN fst <= 4 THEN 'III–IV' WHEN fst <= 6 THEN 'V–VI' END;
COMMENT ON FUNCTION audit.fst_group(smallint) IS
    'Fitzpatrick skin type 1..6 as I–II, III–IV or V–VI, the primary groups of an audit; NULL when unknown.';

CREATE VIEW audit.records AS
SELECT
    r.audit_id,
    r.screening_id,
    r.model_version,
    m.threshold,
    r.outcome,
    r.reason,
    p.score,
    p.flagged,
    r.fst,
    r.fst_source,
    r.patient_number,
    r.site,
    r.device,
    r.modality,
    r.body_site,
    r.age,
    r.sex,
    greatest(extract(epoch FROM r.recorded_at - a.first_seen_at), 0)::double precision AS latency_s,
    r.last_modified,
    r.recorded_at
FROM public.audit_records AS r
LEFT JOIN public.predictions AS p ON p.audit_id = r.audit_id
LEFT JOIN public.models AS m ON m.model_version = r.model_version
LEFT JOIN public.arrivals AS a ON a.screening_id = r.screening_id;
COMMENT ON VIEW audit.records IS
    'One row per terminal row, as it was written; audit.cases() adds what became known later.';
COMMENT ON COLUMN audit.records.audit_id IS 'Number of the terminal row, rising with time';
COMMENT ON COLUMN audit.records.screening_id IS 'Identity of the object version';
COMMENT ON COLUMN audit.records.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit.records.threshold IS 'Operating threshold of the model (0..10,000)';
COMMENT ON COLUMN audit.records.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit.records.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit.records.score IS 'Calibrated probability of malignancy x 10,000; NULL unless screened';
COMMENT ON COLUMN audit.records.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit.records.fst IS 'Fitzpatrick skin type 1..6 that came along, NULL when unknown';
COMMENT ON COLUMN audit.records.fst_source IS 'reported, estimated, simulated or unknown: never mix them';
COMMENT ON COLUMN audit.records.patient_number IS 'Unlinkable number of the patient, for clustering';
COMMENT ON COLUMN audit.records.site IS 'Clinic or hospital';
COMMENT ON COLUMN audit.records.device IS 'Camera or dermatoscope';
COMMENT ON COLUMN audit.records.modality IS 'dermoscopy, clinical, smartphone or unknown';
COMMENT ON COLUMN audit.records.body_site IS 'Where on the body';
COMMENT ON COLUMN audit.records.age IS 'Age in years at acquisition';
COMMENT ON COLUMN audit.records.sex IS 'female, male or other';
COMMENT ON COLUMN audit.records.latency_s IS 'Seconds from the first reading of the event to the row';
COMMENT ON COLUMN audit.records.last_modified IS 'Last-Modified of the store: what windows are about';
COMMENT ON COLUMN audit.records.recorded_at IS 'When the row was written: since when it is known';

-- `only_these`, where not NULL, restricts the rows to these screenings before anything is resolved for them.
CREATE FUNCTION figures.case_rows(
    since timestamptz, until timestamptz, as_of timestamptz, model text, only_these uuid[]
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
        AND (only_these IS NULL OR r.screening_id = ANY (only_these));
END;
COMMENT ON FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[]) IS
    'audit.cases of some screenings only.';

CREATE FUNCTION audit.cases(
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
    SELECT c.* FROM figures.case_rows(since, until, as_of, model, NULL) AS c;
END;
COMMENT ON FUNCTION audit.cases(timestamptz, timestamptz, timestamptz, text) IS
    'One row per terminal row with Last-Modified in [since, until), as it was known at as_of; of one model, or '
    'of all where model is NULL. '
    'audit_id: number of the terminal row. '
    'screening_id: identity of the object version. '
    'model_version: the model that the worker ran. '
    'threshold: its operating threshold (0..10,000). '
    'outcome: screened, rejected or superseded. '
    'reason: why it was rejected. '
    'score: calibrated probability of malignancy x 10,000; NULL unless screened. '
    'flagged: whether the score reached the threshold; NULL unless screened. '
    'fst: Fitzpatrick skin type 1..6, of the latest report known at as_of, else of the record; NULL: unknown. '
    'fst_source: reported, estimated, simulated or unknown: never mix them in one number. '
    'fst_group: I–II, III–IV or V–VI. '
    'patient_number: unlinkable number of the patient; where NULL count every image as a patient of its own. '
    'site: clinic or hospital. '
    'modality: dermoscopy, clinical, smartphone or unknown. '
    'age_band: age at acquisition as 0–17, 18–39, 40–59, 60–79 or 80+. '
    'sex: female, male or other. '
    'body_site: where on the body. '
    'device: camera or dermatoscope. '
    'malignant: the outcome known at as_of; NULL when none was, or when reports disagree. '
    'contradictory: whether reports disagree. '
    'label_source: reference standard of the outcome. '
    'verification_reason: why it was looked for. '
    'sampling_probability: probability of being drawn for verification, where it was drawn. '
    'reported_at, label_known_at: when the outcome was reported, and since when it is known here. '
    'latency_s: seconds from the first reading of the event to the row. '
    'last_modified, recorded_at: when the image came to the store, and when the row was written. '
    'maturity: age of the image at as_of: how long an outcome has had to arrive.';
