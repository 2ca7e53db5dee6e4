-- Which outcome and which skin type a screening had, as of any time; who said what, and when.
--
-- References are resolved here, when somebody asks, and never written down. The answer is then a function of
-- append-only rows and of one time, so that it is the same whenever it is asked again, and no matching step
-- can be behind, run twice or have matched too early: a report waits simply by matching nothing yet.
--
-- The two functions are plain SQL over views, so that the planner takes them apart like views. A function
-- with its owner's rights would write ten million rows to disk before anyone sees one.

CREATE VIEW audit.first_outcomes AS
SELECT
    report_id, screening_id, malignant, diagnosis, source, verification_reason, sampling_probability,
    reported_at, supersedes, known_at
FROM public.ground_truth
WHERE first_of_screening;
COMMENT ON VIEW audit.first_outcomes IS
    'The first report of each screening id. A unique index holds it to one per screening: most have no other, '
    'so audit.outcomes reads these in one pass without grouping.';
COMMENT ON COLUMN audit.first_outcomes.report_id IS 'The report';
COMMENT ON COLUMN audit.first_outcomes.screening_id IS 'The image version it names, which may not have come yet';
COMMENT ON COLUMN audit.first_outcomes.malignant IS 'What was found';
COMMENT ON COLUMN audit.first_outcomes.diagnosis IS 'Which kind of finding';
COMMENT ON COLUMN audit.first_outcomes.source IS 'histopathology, consensus, follow_up or registry';
COMMENT ON COLUMN audit.first_outcomes.verification_reason IS
    'flagged, clinical, random_sample, routine or unknown';
COMMENT ON COLUMN audit.first_outcomes.sampling_probability IS 'Chance of being verified, if it was chance';
COMMENT ON COLUMN audit.first_outcomes.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.first_outcomes.supersedes IS 'The report that this one replaces';
COMMENT ON COLUMN audit.first_outcomes.known_at IS 'When it became known here';

CREATE VIEW audit.further_outcomes AS
SELECT
    report_id, screening_id, malignant, diagnosis, source, verification_reason, sampling_probability,
    reported_at, supersedes, known_at, NULL::timestamptz AS displaced_at
FROM public.ground_truth
WHERE screening_id IS NOT NULL AND NOT first_of_screening
UNION ALL
-- An object without its ETag: the latest of its versions at reported_at, among those that had been seen.
SELECT
    g.report_id, a.screening_id, g.malignant, g.diagnosis, g.source, g.verification_reason,
    g.sampling_probability, g.reported_at, g.supersedes, greatest(g.known_at, a.first_seen_at), later.seen_at
FROM public.ground_truth AS g
JOIN public.arrivals AS a ON a.key = g.key AND a.bucket = g.bucket AND a.last_modified <= g.reported_at
CROSS JOIN LATERAL (
    SELECT min(v.first_seen_at) AS seen_at
    FROM public.arrivals AS v
    WHERE v.key = g.key AND v.bucket = g.bucket AND v.last_modified <= g.reported_at
        AND (v.last_modified, v.screening_id) > (a.last_modified, a.screening_id)
) AS later
WHERE g.key IS NOT NULL AND (later.seen_at IS NULL OR later.seen_at > greatest(g.known_at, a.first_seen_at))
UNION ALL
SELECT
    g.report_id, r.screening_id, g.malignant, g.diagnosis, g.source, g.verification_reason,
    g.sampling_probability, g.reported_at, g.supersedes, greatest(g.known_at, r.recorded_at), NULL
FROM public.ground_truth AS g
JOIN public.audit_records AS r ON r.accession = g.accession
WHERE g.accession IS NOT NULL AND r.accession IS NOT NULL;
COMMENT ON VIEW audit.further_outcomes IS
    'Every other report beside each screening it speaks of: by screening id after the first, by object, or by '
    'accession number (then once per model that screened the image).';
COMMENT ON COLUMN audit.further_outcomes.report_id IS 'The report';
COMMENT ON COLUMN audit.further_outcomes.screening_id IS 'The image version it speaks of';
COMMENT ON COLUMN audit.further_outcomes.malignant IS 'What was found';
COMMENT ON COLUMN audit.further_outcomes.diagnosis IS 'Which kind of finding';
COMMENT ON COLUMN audit.further_outcomes.source IS 'histopathology, consensus, follow_up or registry';
COMMENT ON COLUMN audit.further_outcomes.verification_reason IS
    'flagged, clinical, random_sample, routine or unknown';
COMMENT ON COLUMN audit.further_outcomes.sampling_probability IS 'Chance of being verified, if it was chance';
COMMENT ON COLUMN audit.further_outcomes.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.further_outcomes.supersedes IS 'The report that this one replaces';
COMMENT ON COLUMN audit.further_outcomes.known_at IS 'When both the report and its image were known here';
COMMENT ON COLUMN audit.further_outcomes.displaced_at IS
    'When a later version of the object was seen to which the report belongs instead';

CREATE FUNCTION audit.outcomes(as_of timestamptz)
RETURNS TABLE (
    screening_id uuid,
    malignant boolean,
    contradictory boolean,
    source text,
    verification_reason text,
    sampling_probability double precision,
    reported_at timestamptz,
    known_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH further AS (
        SELECT f.*
        FROM audit.further_outcomes AS f
        WHERE f.known_at <= as_of AND (f.displaced_at IS NULL OR f.displaced_at > as_of)
    ),
    several AS (
        SELECT
            f.report_id, f.screening_id, f.malignant, f.source, f.verification_reason,
            f.sampling_probability, f.reported_at, f.supersedes, f.known_at
        FROM further AS f
        UNION ALL
        SELECT
            o.report_id, o.screening_id, o.malignant, o.source, o.verification_reason,
            o.sampling_probability, o.reported_at, o.supersedes, o.known_at
        FROM audit.first_outcomes AS o
        WHERE o.known_at <= as_of AND o.screening_id IN (SELECT f.screening_id FROM further AS f)
    ),
    standing AS (
        SELECT
            s.*,
            bool_or(s.malignant) OVER same AS any_malignant,
            bool_and(s.malignant) OVER same AS all_malignant,
            max(s.known_at) OVER same AS last_known_at
        FROM several AS s
        -- Only within one screening: a report cannot take back what was said of another image.
        WHERE NOT EXISTS (
            SELECT FROM several AS x
            WHERE x.supersedes = s.report_id AND x.screening_id = s.screening_id
        )
        WINDOW same AS (PARTITION BY s.screening_id)
    ),
    resolved AS (
        SELECT DISTINCT ON (s.screening_id)
            s.screening_id,
            CASE WHEN s.any_malignant = s.all_malignant THEN s.malignant END AS malignant,
            s.any_malignant <> s.all_malignant AS contradictory,
            s.source, s.verification_reason, s.sampling_probability, s.reported_at, s.last_known_at
        FROM standing AS s
        ORDER BY
            s.screening_id,
            array_position(ARRAY['histopathology', 'consensus', 'follow_up', 'registry'], s.source),
            s.reported_at DESC,
            s.report_id
    )
    SELECT
        o.screening_id, o.malignant, false, o.source, o.verification_reason, o.sampling_probability,
        o.reported_at, o.known_at
    FROM audit.first_outcomes AS o
    WHERE o.known_at <= as_of
        AND NOT EXISTS (SELECT FROM further AS f WHERE f.screening_id = o.screening_id)
    UNION ALL
    SELECT
        r.screening_id, r.malignant, r.contradictory, r.source, r.verification_reason,
        r.sampling_probability, r.reported_at, r.last_known_at
    FROM resolved AS r;
END;
COMMENT ON FUNCTION audit.outcomes(timestamptz) IS
    'The outcome of each screening as it was known at as_of, at most one row per screening. '
    'screening_id: the image version; one that has not arrived may be named, and joins nothing. '
    'malignant: what was found; NULL when reports that nothing supersedes disagree. '
    'contradictory: whether they do. '
    'source, verification_reason, sampling_probability, reported_at: of the strongest report (histopathology, '
    'consensus, follow_up, registry), of equals the latest reported. '
    'known_at: since when the answer is this one. '
    'A transaction takes a moment to commit: as_of should lie a few minutes back to give one answer forever.';

CREATE VIEW audit.outcome_reports AS
SELECT
    report_id,
    CASE WHEN screening_id IS NOT NULL THEN 'screening' WHEN key IS NOT NULL THEN 'object' ELSE 'accession' END
        AS names,
    screening_id, malignant, diagnosis, source, verification_reason, sampling_probability, reported_at,
    supersedes, imported_by, batch_id, known_at
FROM public.ground_truth;
COMMENT ON VIEW audit.outcome_reports IS
    'Every outcome report as it came: who said what, when, and what it replaced.';
COMMENT ON COLUMN audit.outcome_reports.report_id IS 'The report; a correction names it in supersedes';
COMMENT ON COLUMN audit.outcome_reports.names IS 'What the report names: screening, object or accession';
COMMENT ON COLUMN audit.outcome_reports.screening_id IS 'The image version, where the report names one';
COMMENT ON COLUMN audit.outcome_reports.malignant IS 'What was found';
COMMENT ON COLUMN audit.outcome_reports.diagnosis IS 'Which kind of finding';
COMMENT ON COLUMN audit.outcome_reports.source IS 'histopathology, consensus, follow_up or registry';
COMMENT ON COLUMN audit.outcome_reports.verification_reason IS
    'flagged, clinical, random_sample, routine or unknown';
COMMENT ON COLUMN audit.outcome_reports.sampling_probability IS 'Chance of being verified, if it was chance';
COMMENT ON COLUMN audit.outcome_reports.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.outcome_reports.supersedes IS 'The report that this one replaces';
COMMENT ON COLUMN audit.outcome_reports.imported_by IS 'Who brought it here';
COMMENT ON COLUMN audit.outcome_reports.batch_id IS 'The import that brought it';
COMMENT ON COLUMN audit.outcome_reports.known_at IS 'When it became known here';

CREATE VIEW audit.waiting_outcomes AS
SELECT g.report_id, g.names, g.source, g.reported_at, g.known_at, g.waits_for
FROM (
    SELECT report_id, 'screening' AS names, source, reported_at, known_at, 'image' AS waits_for
    FROM public.ground_truth AS t
    WHERE screening_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.arrivals AS a WHERE a.screening_id = t.screening_id)
    UNION ALL
    SELECT
        report_id, 'object', source, reported_at, known_at,
        CASE
            WHEN EXISTS (SELECT FROM public.arrivals AS a WHERE a.key = t.key AND a.bucket = t.bucket)
            THEN 'version' ELSE 'image'
        END
    FROM public.ground_truth AS t
    WHERE key IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM public.arrivals AS a
            WHERE a.key = t.key AND a.bucket = t.bucket AND a.last_modified <= t.reported_at
        )
    UNION ALL
    SELECT report_id, 'accession', source, reported_at, known_at, 'image'
    FROM public.ground_truth AS t
    WHERE accession IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.audit_records AS r WHERE r.accession = t.accession)
) AS g;
COMMENT ON VIEW audit.waiting_outcomes IS 'Outcome reports whose image has not come yet.';
COMMENT ON COLUMN audit.waiting_outcomes.report_id IS 'The report';
COMMENT ON COLUMN audit.waiting_outcomes.names IS 'What it names: screening, object or accession';
COMMENT ON COLUMN audit.waiting_outcomes.source IS 'histopathology, consensus, follow_up or registry';
COMMENT ON COLUMN audit.waiting_outcomes.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.waiting_outcomes.known_at IS 'When it became known here';
COMMENT ON COLUMN audit.waiting_outcomes.waits_for IS
    'image: nothing that it names is known here; version: the object is, but no version that old';
