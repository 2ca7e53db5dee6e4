-- What auditors read. No key, ETag, version id, pseudonym, raw event or trace stands in any view.
--
-- The views run with the rights of their owner (security_invoker stays off): auditors have no right on any
-- table. None is a security_barrier: no row is secret here, only columns are, and a column that a view does
-- not name cannot be reached through it. A barrier would only keep conditions away from the indexes.

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Views for auditors: no object key, pseudonym, raw event or trace.';

CREATE VIEW audit.models AS
SELECT model_version, threshold, manifest, registered_at
FROM public.models;
COMMENT ON VIEW audit.models IS 'One row per model file that has screened here, with its manifest.';
COMMENT ON COLUMN audit.models.model_version IS 'name-sha256[:12] of the model file';
COMMENT ON COLUMN audit.models.threshold IS 'Scores at or above it are flagged (0..10,000)';
COMMENT ON COLUMN audit.models.manifest IS 'Preprocessing, operating point, calibration, lineage, results';
COMMENT ON COLUMN audit.models.registered_at IS 'When a worker first loaded it';

CREATE VIEW audit.arrivals AS
SELECT screening_id, bucket, size_bytes, last_modified, door, first_seen_at
FROM public.arrivals;
COMMENT ON VIEW audit.arrivals IS 'One row per object version that a door announced.';
COMMENT ON COLUMN audit.arrivals.screening_id IS 'Identity of the object version';
COMMENT ON COLUMN audit.arrivals.bucket IS 'Bucket that holds the object';
COMMENT ON COLUMN audit.arrivals.size_bytes IS 'Size that the door announced, if any';
COMMENT ON COLUMN audit.arrivals.last_modified IS 'Last-Modified of the store, or the time of the notification';
COMMENT ON COLUMN audit.arrivals.door IS 'The door that announced it first';
COMMENT ON COLUMN audit.arrivals.first_seen_at IS 'When a worker first read the event';

CREATE VIEW audit.walks AS
SELECT walk_id, bucket, started_at, completed_at, objects, emitted
FROM public.walks;
COMMENT ON VIEW audit.walks IS 'One row per pass of the reconciler over a bucket.';
COMMENT ON COLUMN audit.walks.walk_id IS 'Rises with time';
COMMENT ON COLUMN audit.walks.bucket IS 'Bucket that was walked';
COMMENT ON COLUMN audit.walks.started_at IS 'When the walk began';
COMMENT ON COLUMN audit.walks.completed_at IS 'When its last page was stored; NULL when it was not completed';
COMMENT ON COLUMN audit.walks.objects IS 'Images listed by the completed walk';
COMMENT ON COLUMN audit.walks.emitted IS 'Events published again by the walk';

CREATE VIEW audit.listings AS
SELECT screening_id, bucket, last_modified, walk_id
FROM public.listings;
COMMENT ON VIEW audit.listings IS 'One row per object version that any walk of the bucket has seen.';
COMMENT ON COLUMN audit.listings.screening_id IS 'Identity of the object version';
COMMENT ON COLUMN audit.listings.bucket IS 'Bucket that was walked';
COMMENT ON COLUMN audit.listings.last_modified IS 'Last-Modified of the store';
COMMENT ON COLUMN audit.listings.walk_id IS 'The latest walk that saw it';

CREATE VIEW audit.screenings AS
SELECT
    r.screening_id,
    r.model_version,
    r.outcome,
    r.reason,
    r.fst,
    CASE
        WHEN r.fst IN (1, 2) THEN 'I–II'
        WHEN r.fst IN (3, 4) THEN 'III–IV'
        WHEN r.fst IN (5, 6) THEN 'V–VI'
    END AS fst_group,
    r.fst_source,
    r.patient_number,
    r.site,
    r.device,
    r.modality,
    r.modality_intended,
    r.body_site,
    r.age,
    r.sex,
    r.acquired_at,
    r.metadata_problem,
    p.score,
    m.threshold,
    p.flagged,
    a.bucket,
    a.door,
    r.last_modified,
    a.first_seen_at,
    r.recorded_at,
    extract(epoch FROM r.recorded_at - a.first_seen_at)::double precision AS seconds_to_record
FROM public.audit_records AS r
LEFT JOIN public.arrivals AS a ON a.screening_id = r.screening_id
LEFT JOIN public.models AS m ON m.model_version = r.model_version
LEFT JOIN public.predictions AS p ON p.audit_id = r.audit_id;
COMMENT ON VIEW audit.screenings IS 'One row per object version and model: what became of it.';
COMMENT ON COLUMN audit.screenings.screening_id IS 'Identity of the object version';
COMMENT ON COLUMN audit.screenings.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit.screenings.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit.screenings.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit.screenings.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit.screenings.fst_group IS 'I–II, III–IV or V–VI, NULL when unknown';
COMMENT ON COLUMN audit.screenings.fst_source IS 'reported, estimated, simulated or unknown: never mix them';
COMMENT ON COLUMN audit.screenings.patient_number IS 'Unlinkable number of the patient, for clustering';
COMMENT ON COLUMN audit.screenings.site IS 'Clinic or hospital';
COMMENT ON COLUMN audit.screenings.device IS 'Camera or dermatoscope';
COMMENT ON COLUMN audit.screenings.modality IS 'dermoscopy, clinical, smartphone or unknown';
COMMENT ON COLUMN audit.screenings.modality_intended IS
    'Whether the model is intended for that modality; NULL when the modality is unknown';
COMMENT ON COLUMN audit.screenings.body_site IS 'Where on the body';
COMMENT ON COLUMN audit.screenings.age IS 'Age in years at acquisition';
COMMENT ON COLUMN audit.screenings.sex IS 'female, male or other';
COMMENT ON COLUMN audit.screenings.acquired_at IS 'When the photograph was taken';
COMMENT ON COLUMN audit.screenings.metadata_problem IS 'What in the metadata could not be used';
COMMENT ON COLUMN audit.screenings.score IS 'Calibrated probability of malignancy x 10,000; NULL unless screened';
COMMENT ON COLUMN audit.screenings.threshold IS 'Operating threshold of the model (0..10,000)';
COMMENT ON COLUMN audit.screenings.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit.screenings.bucket IS 'Bucket that holds the object';
COMMENT ON COLUMN audit.screenings.door IS 'The door that announced it first';
COMMENT ON COLUMN audit.screenings.last_modified IS 'Last-Modified of the store at the fetch, else the event''s';
COMMENT ON COLUMN audit.screenings.first_seen_at IS 'When a worker first read the event';
COMMENT ON COLUMN audit.screenings.recorded_at IS 'When the row was written';
COMMENT ON COLUMN audit.screenings.seconds_to_record IS 'Seconds from the first reading of the event to the row';

CREATE VIEW audit.rejections AS
SELECT
    d.dead_letter_id,
    r.screening_id,
    r.model_version,
    d.reason,
    d.detail,
    r.site,
    r.device,
    r.fst,
    r.fst_source,
    d.topic,
    d.event_size_bytes,
    r.last_modified,
    d.recorded_at
FROM public.dead_letters AS d
LEFT JOIN public.audit_records AS r ON r.audit_id = d.audit_id;
COMMENT ON VIEW audit.rejections IS 'One row per dead letter: rejected images and unreadable events.';
COMMENT ON COLUMN audit.rejections.dead_letter_id IS 'Rises with time';
COMMENT ON COLUMN audit.rejections.screening_id IS 'Identity of the object version; NULL for an unreadable event';
COMMENT ON COLUMN audit.rejections.model_version IS 'The model that the worker ran; NULL for an unreadable event';
COMMENT ON COLUMN audit.rejections.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit.rejections.detail IS 'Numbers and format names behind the reason';
COMMENT ON COLUMN audit.rejections.site IS 'Clinic or hospital';
COMMENT ON COLUMN audit.rejections.device IS 'Camera or dermatoscope';
COMMENT ON COLUMN audit.rejections.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit.rejections.fst_source IS 'reported, estimated, simulated or unknown';
COMMENT ON COLUMN audit.rejections.topic IS 'Topic the event came from';
COMMENT ON COLUMN audit.rejections.event_size_bytes IS 'Size of the whole event';
COMMENT ON COLUMN audit.rejections.last_modified IS 'Last-Modified of the store; NULL for an unreadable event';
COMMENT ON COLUMN audit.rejections.recorded_at IS 'When the row was written';
