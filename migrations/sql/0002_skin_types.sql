-- Skin types that came after the image, resolved like outcomes: when somebody asks.

CREATE VIEW audit.matched_skin_types AS
SELECT
    report_id, screening_id, fst, fst_source, reported_at, known_at, NULL::timestamptz AS displaced_at
FROM public.skin_type_reports
WHERE screening_id IS NOT NULL
UNION ALL
SELECT
    g.report_id, a.screening_id, g.fst, g.fst_source, g.reported_at, greatest(g.known_at, a.first_seen_at),
    later.seen_at
FROM public.skin_type_reports AS g
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
    g.report_id, r.screening_id, g.fst, g.fst_source, g.reported_at, greatest(g.known_at, r.recorded_at), NULL
FROM public.skin_type_reports AS g
JOIN public.audit_records AS r ON r.accession = g.accession
WHERE g.accession IS NOT NULL AND r.accession IS NOT NULL;
COMMENT ON VIEW audit.matched_skin_types IS
    'Every later skin type beside each screening it speaks of (by accession number once per model).';
COMMENT ON COLUMN audit.matched_skin_types.report_id IS 'The report';
COMMENT ON COLUMN audit.matched_skin_types.screening_id IS 'The image version it speaks of';
COMMENT ON COLUMN audit.matched_skin_types.fst IS 'Fitzpatrick skin type 1..6';
COMMENT ON COLUMN audit.matched_skin_types.fst_source IS 'reported, estimated or simulated';
COMMENT ON COLUMN audit.matched_skin_types.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.matched_skin_types.known_at IS 'When both the report and its image were known here';
COMMENT ON COLUMN audit.matched_skin_types.displaced_at IS
    'When a later version of the object was seen to which the report belongs instead';

CREATE FUNCTION audit.skin_types(as_of timestamptz)
RETURNS TABLE (screening_id uuid, fst smallint, fst_source text, known_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH known AS (
        SELECT m.*
        FROM audit.matched_skin_types AS m
        WHERE m.known_at <= as_of AND (m.displaced_at IS NULL OR m.displaced_at > as_of)
    ),
    usable AS (
        SELECT k.* FROM known AS k WHERE k.fst_source = 'reported'
        UNION ALL
        -- What was estimated or rendered later does not replace what a clinician reported.
        SELECT k.*
        FROM known AS k
        WHERE k.fst_source <> 'reported' AND NOT EXISTS (
            SELECT FROM audit.screenings AS s
            WHERE s.screening_id = k.screening_id AND s.fst_source = 'reported' AND s.recorded_at <= as_of
        )
    )
    SELECT DISTINCT ON (u.screening_id) u.screening_id, u.fst, u.fst_source, u.known_at
    FROM usable AS u
    ORDER BY
        u.screening_id,
        array_position(ARRAY['reported', 'estimated', 'simulated'], u.fst_source),
        u.reported_at DESC,
        u.known_at DESC,
        u.report_id;
END;
COMMENT ON FUNCTION audit.skin_types(timestamptz) IS
    'Skin types that came after the image and were known at as_of, one row per screening that has any; all '
    'others keep what their record says. '
    'screening_id: the image version; one that has not arrived may be named, and joins nothing. '
    'fst: Fitzpatrick skin type 1..6. '
    'fst_source: reported before estimated before simulated; within one the latest reported counts. '
    'known_at: when that report became known here.';

CREATE VIEW audit.skin_type_reports AS
SELECT
    report_id,
    CASE WHEN screening_id IS NOT NULL THEN 'screening' WHEN key IS NOT NULL THEN 'object' ELSE 'accession' END
        AS names,
    screening_id, fst, fst_source, reported_at, imported_by, batch_id, known_at
FROM public.skin_type_reports;
COMMENT ON VIEW audit.skin_type_reports IS
    'Every skin type that came after its image, as it came: who said what, and when.';
COMMENT ON COLUMN audit.skin_type_reports.report_id IS 'The report';
COMMENT ON COLUMN audit.skin_type_reports.names IS 'What the report names: screening, object or accession';
COMMENT ON COLUMN audit.skin_type_reports.screening_id IS 'The image version, where the report names one';
COMMENT ON COLUMN audit.skin_type_reports.fst IS 'Fitzpatrick skin type 1..6';
COMMENT ON COLUMN audit.skin_type_reports.fst_source IS 'reported, estimated or simulated';
COMMENT ON COLUMN audit.skin_type_reports.reported_at IS 'When the source reported it';
COMMENT ON COLUMN audit.skin_type_reports.imported_by IS 'Who brought it here';
COMMENT ON COLUMN audit.skin_type_reports.batch_id IS 'The import that brought it';
COMMENT ON COLUMN audit.skin_type_reports.known_at IS 'When it became known here';
