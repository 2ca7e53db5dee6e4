-- The tables of revision 0001. Frozen: what changes later is a later revision.
-- Every name follows the convention of schemas/tables/base.py.

CREATE TABLE arrivals (
    screening_id uuid NOT NULL,
    bucket text NOT NULL,
    key text NOT NULL,
    etag text NOT NULL,
    version_id text,
    size_bytes bigint,
    last_modified timestamptz NOT NULL,
    door text NOT NULL,
    trace_id uuid NOT NULL,
    first_seen_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_arrivals PRIMARY KEY (screening_id),
    CONSTRAINT ck_arrivals_door CHECK (door IN ('notification', 'folder', 'reconciler')),
    CONSTRAINT ck_arrivals_size_bytes CHECK (size_bytes >= 0)
);
CREATE INDEX ix_arrivals_first_seen_at ON arrivals USING brin (first_seen_at) WITH (autosummarize = true);
COMMENT ON TABLE arrivals IS
    'One row per object version: the first door that announced it, before it is fetched.';
COMMENT ON COLUMN arrivals.screening_id IS 'uuid5 of bucket, key and ETag';
COMMENT ON COLUMN arrivals.bucket IS 'Bucket that holds the object';
COMMENT ON COLUMN arrivals.key IS 'Object key: personal data, shown in no view';
COMMENT ON COLUMN arrivals.etag IS 'ETag without quotes';
COMMENT ON COLUMN arrivals.version_id IS 'Version id where the store gave one; serves fetching only';
COMMENT ON COLUMN arrivals.size_bytes IS 'Size that the door announced, if any';
COMMENT ON COLUMN arrivals.last_modified IS 'Last-Modified of the store, or the time of the notification';
COMMENT ON COLUMN arrivals.door IS 'The door that announced it first';
COMMENT ON COLUMN arrivals.trace_id IS 'Trace of the event that arrived first';
COMMENT ON COLUMN arrivals.first_seen_at IS 'When a worker first read the event';

CREATE TABLE walks (
    walk_id bigint GENERATED ALWAYS AS IDENTITY,
    bucket text NOT NULL,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    completed_at timestamptz,
    objects bigint,
    emitted bigint,
    CONSTRAINT pk_walks PRIMARY KEY (walk_id)
);
CREATE INDEX ix_walks_bucket ON walks (bucket);
COMMENT ON TABLE walks IS
    'One row per pass of the reconciler over a bucket.';
COMMENT ON COLUMN walks.walk_id IS 'Rises with time';
COMMENT ON COLUMN walks.bucket IS 'Bucket that was walked';
COMMENT ON COLUMN walks.started_at IS 'When the walk began';
COMMENT ON COLUMN walks.completed_at IS
    'When its last page was stored; NULL while walking or when it was cut short';
COMMENT ON COLUMN walks.objects IS 'Images listed by the completed walk';
COMMENT ON COLUMN walks.emitted IS 'Events published again by the walk';

CREATE TABLE listings (
    screening_id uuid NOT NULL,
    bucket text NOT NULL,
    last_modified timestamptz NOT NULL,
    walk_id bigint NOT NULL,
    CONSTRAINT pk_listings PRIMARY KEY (screening_id)
)
 WITH (fillfactor = 70);
COMMENT ON TABLE listings IS
    'One row per object version that a walk of the bucket has seen.';
COMMENT ON COLUMN listings.screening_id IS 'uuid5 of bucket, key and ETag';
COMMENT ON COLUMN listings.bucket IS 'Bucket that was walked';
COMMENT ON COLUMN listings.last_modified IS 'Last-Modified of the store';
COMMENT ON COLUMN listings.walk_id IS 'The latest walk that saw it';

CREATE TABLE models (
    model_version text NOT NULL,
    threshold smallint NOT NULL,
    manifest jsonb NOT NULL,
    registered_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_models PRIMARY KEY (model_version),
    CONSTRAINT ck_models_threshold CHECK (threshold BETWEEN 0 AND 10000)
);
COMMENT ON TABLE models IS
    'One row per model file that a worker has loaded.';
COMMENT ON COLUMN models.model_version IS 'name-sha256[:12] of the model file';
COMMENT ON COLUMN models.threshold IS 'Scores at or above it are flagged (0..10,000)';
COMMENT ON COLUMN models.manifest IS 'The manifest that came with the file';
COMMENT ON COLUMN models.registered_at IS 'When a worker first loaded it';

CREATE TABLE patients (
    patient_number bigint GENERATED ALWAYS AS IDENTITY,
    pseudonym text NOT NULL,
    CONSTRAINT pk_patients PRIMARY KEY (patient_number),
    CONSTRAINT uq_patients_pseudonym UNIQUE (pseudonym)
);
COMMENT ON TABLE patients IS
    'Numbers for patients'' pseudonyms, so that views need not show pseudonyms.';
COMMENT ON COLUMN patients.patient_number IS 'Unlinkable number shown to auditors';
COMMENT ON COLUMN patients.pseudonym IS 'k<key number>:HMAC-SHA256; read by owner and worker only';

CREATE TABLE audit_records (
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    screening_id uuid NOT NULL,
    model_version text NOT NULL,
    outcome text NOT NULL,
    reason text,
    fst smallint,
    fst_source text NOT NULL,
    patient_number bigint,
    site text,
    device text,
    modality text NOT NULL,
    modality_intended boolean,
    body_site text,
    age smallint,
    sex text,
    acquired_at timestamptz,
    metadata_problem text,
    last_modified timestamptz NOT NULL,
    trace_id uuid NOT NULL,
    recorded_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_audit_records PRIMARY KEY (audit_id),
    CONSTRAINT uq_audit_records_screening_id_model_version UNIQUE (screening_id, model_version),
    CONSTRAINT ck_audit_records_outcome CHECK (outcome IN ('screened', 'rejected', 'superseded')),
    CONSTRAINT ck_audit_records_reason CHECK (reason IN (
        'event_unreadable', 'bucket_unknown', 'object_not_found', 'object_forbidden',
        'object_empty', 'object_too_large', 'not_an_image', 'format_unsupported', 'too_many_pixels',
        'too_small', 'image_truncated', 'image_corrupt'
    )),
    CONSTRAINT ck_audit_records_reason_iff_rejected CHECK ((outcome = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT ck_audit_records_fst_source CHECK (fst_source IN (
        'reported', 'estimated', 'simulated', 'unknown'
    )),
    CONSTRAINT ck_audit_records_fst CHECK (fst BETWEEN 1 AND 6),
    CONSTRAINT ck_audit_records_fst_has_source CHECK ((fst IS NULL) = (fst_source = 'unknown')),
    CONSTRAINT ck_audit_records_modality CHECK (modality IN (
        'dermoscopy', 'clinical', 'smartphone', 'unknown'
    )),
    CONSTRAINT ck_audit_records_metadata_problem CHECK (metadata_problem IN (
        'sidecar_unreadable', 'fst_invalid', 'field_invalid'
    )),
    CONSTRAINT ck_audit_records_age CHECK (age BETWEEN 0 AND 130),
    CONSTRAINT ck_audit_records_sex CHECK (sex IN ('female', 'male', 'other')),
    CONSTRAINT fk_audit_records_screening_id FOREIGN KEY(screening_id) REFERENCES arrivals (screening_id),
    CONSTRAINT fk_audit_records_model_version FOREIGN KEY(model_version) REFERENCES models (model_version),
    CONSTRAINT fk_audit_records_patient_number FOREIGN KEY(patient_number) REFERENCES patients (patient_number)
);
CREATE INDEX ix_audit_records_recorded_at ON audit_records USING brin (recorded_at) WITH (autosummarize = true);
COMMENT ON TABLE audit_records IS
    'The terminal row: one per object version and model, never changed.';
COMMENT ON COLUMN audit_records.audit_id IS 'Narrow, insertion-ordered key';
COMMENT ON COLUMN audit_records.screening_id IS 'uuid5 of bucket, key and ETag';
COMMENT ON COLUMN audit_records.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit_records.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit_records.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit_records.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit_records.fst_source IS 'reported, estimated, simulated or unknown';
COMMENT ON COLUMN audit_records.patient_number IS 'Number of the patient, if one was named';
COMMENT ON COLUMN audit_records.site IS 'Clinic or hospital';
COMMENT ON COLUMN audit_records.device IS 'Camera or dermatoscope';
COMMENT ON COLUMN audit_records.modality IS 'dermoscopy, clinical, smartphone or unknown';
COMMENT ON COLUMN audit_records.modality_intended IS
    'Whether the model is intended for that modality; NULL when the modality is unknown';
COMMENT ON COLUMN audit_records.body_site IS 'Where on the body';
COMMENT ON COLUMN audit_records.age IS 'Age in years at acquisition';
COMMENT ON COLUMN audit_records.sex IS 'female, male or other';
COMMENT ON COLUMN audit_records.acquired_at IS 'When the photograph was taken';
COMMENT ON COLUMN audit_records.metadata_problem IS 'What in the metadata could not be used';
COMMENT ON COLUMN audit_records.last_modified IS 'Last-Modified of the store at the fetch, else the event''s';
COMMENT ON COLUMN audit_records.trace_id IS 'Trace of the event that was screened';
COMMENT ON COLUMN audit_records.recorded_at IS 'When the row was written';

CREATE TABLE predictions (
    audit_id bigint NOT NULL,
    score smallint NOT NULL,
    flagged boolean NOT NULL,
    probabilities jsonb NOT NULL,
    CONSTRAINT pk_predictions PRIMARY KEY (audit_id),
    CONSTRAINT ck_predictions_score CHECK (score BETWEEN 0 AND 10000),
    CONSTRAINT fk_predictions_audit_id FOREIGN KEY(audit_id) REFERENCES audit_records (audit_id)
);
COMMENT ON TABLE predictions IS
    'One row per screened audit record: the calibrated score and what was decided.';
COMMENT ON COLUMN predictions.audit_id IS 'The terminal row it belongs to';
COMMENT ON COLUMN predictions.score IS 'Calibrated probability of malignancy x 10,000';
COMMENT ON COLUMN predictions.flagged IS 'Whether the score reached the model''s threshold';
COMMENT ON COLUMN predictions.probabilities IS 'Calibrated probability by label';

CREATE TABLE dead_letters (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY,
    audit_id bigint,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    event bytea NOT NULL,
    event_size_bytes integer NOT NULL,
    event_sha256 text NOT NULL,
    recorded_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (dead_letter_id),
    CONSTRAINT uq_dead_letters_audit_id UNIQUE (audit_id),
    CONSTRAINT ck_dead_letters_reason CHECK (reason IN (
        'event_unreadable', 'bucket_unknown', 'object_not_found', 'object_forbidden',
        'object_empty', 'object_too_large', 'not_an_image', 'format_unsupported', 'too_many_pixels',
        'too_small', 'image_truncated', 'image_corrupt'
    )),
    CONSTRAINT ck_dead_letters_event CHECK (octet_length(event) <= 65536),
    CONSTRAINT fk_dead_letters_audit_id FOREIGN KEY(audit_id) REFERENCES audit_records (audit_id)
);
CREATE INDEX ix_dead_letters_recorded_at ON dead_letters (recorded_at);
CREATE UNIQUE INDEX uq_dead_letters_event_sha256_without_audit ON dead_letters (event_sha256) WHERE audit_id IS NULL;
COMMENT ON TABLE dead_letters IS
    'Rejected images and unreadable events, with the raw event.';
COMMENT ON COLUMN dead_letters.dead_letter_id IS 'Rises with time';
COMMENT ON COLUMN dead_letters.audit_id IS 'The terminal row; NULL when no image could be named';
COMMENT ON COLUMN dead_letters.topic IS 'Topic the event came from';
COMMENT ON COLUMN dead_letters.reason IS 'Why it was rejected';
COMMENT ON COLUMN dead_letters.detail IS 'Numbers and format names behind the reason';
COMMENT ON COLUMN dead_letters.event IS 'The first 64 KiB of the raw event: holds the key';
COMMENT ON COLUMN dead_letters.event_size_bytes IS 'Size of the whole event';
COMMENT ON COLUMN dead_letters.event_sha256 IS 'SHA-256 of the whole event';
COMMENT ON COLUMN dead_letters.recorded_at IS 'When the row was written';

CREATE TABLE outbox (
    message_id bigint GENERATED ALWAYS AS IDENTITY,
    screening_id uuid NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    published_at timestamptz,
    CONSTRAINT pk_outbox PRIMARY KEY (message_id)
);
CREATE INDEX ix_outbox_unpublished ON outbox (message_id) WHERE published_at IS NULL;
COMMENT ON TABLE outbox IS
    'Messages to publish to Kafka after their transaction.';
COMMENT ON COLUMN outbox.message_id IS 'Order of publication';
COMMENT ON COLUMN outbox.screening_id IS 'The screening it speaks of; the Kafka key';
COMMENT ON COLUMN outbox.topic IS 'Where it goes';
COMMENT ON COLUMN outbox.payload IS 'The encoded event: holds the key';
COMMENT ON COLUMN outbox.created_at IS 'When its transaction wrote it';
COMMENT ON COLUMN outbox.published_at IS 'When Kafka acknowledged it; NULL until then';
