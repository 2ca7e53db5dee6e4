-- Ground truth and skin types that arrive after the image. Append-only: a correction is a further row.
-- Frozen: what changes later is a later revision.

ALTER TABLE audit_records ADD COLUMN accession text;
COMMENT ON COLUMN audit_records.accession IS
    'k<key number>:HMAC-SHA256 of the accession number, if one was named; read by owner and worker only';
CREATE INDEX ix_audit_records_accession ON audit_records (accession) WHERE accession IS NOT NULL;

-- For reports that name an object without its ETag. Hashed: a key may be longer than a B-tree bears.
CREATE INDEX ix_arrivals_key ON arrivals USING hash (key);

CREATE TABLE ground_truth (
    report_id uuid NOT NULL,
    screening_id uuid,
    bucket text,
    key text,
    accession text,
    malignant boolean NOT NULL,
    diagnosis text,
    source text NOT NULL,
    verification_reason text NOT NULL,
    sampling_probability double precision,
    reported_at timestamptz NOT NULL,
    supersedes uuid,
    first_of_screening boolean NOT NULL,
    imported_by text NOT NULL,
    batch_id uuid NOT NULL,
    known_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_ground_truth PRIMARY KEY (report_id),
    CONSTRAINT ck_ground_truth_one_reference CHECK (num_nonnulls(screening_id, key, accession) = 1),
    CONSTRAINT ck_ground_truth_key_has_bucket CHECK ((key IS NULL) = (bucket IS NULL)),
    CONSTRAINT ck_ground_truth_first_of_screening CHECK (NOT first_of_screening OR screening_id IS NOT NULL),
    CONSTRAINT ck_ground_truth_diagnosis CHECK (diagnosis IN (
        'melanoma', 'basal_cell_carcinoma', 'squamous_cell_carcinoma', 'other_malignant',
        'actinic_keratosis', 'naevus', 'seborrhoeic_keratosis', 'other_benign'
    )),
    CONSTRAINT ck_ground_truth_diagnosis_agrees CHECK (
        diagnosis IS NULL OR diagnosis = 'actinic_keratosis'
        OR malignant = (diagnosis IN (
            'melanoma', 'basal_cell_carcinoma', 'squamous_cell_carcinoma', 'other_malignant'
        ))
    ),
    CONSTRAINT ck_ground_truth_source CHECK (source IN (
        'histopathology', 'consensus', 'follow_up', 'registry'
    )),
    CONSTRAINT ck_ground_truth_verification_reason CHECK (verification_reason IN (
        'flagged', 'clinical', 'random_sample', 'routine', 'unknown'
    )),
    CONSTRAINT ck_ground_truth_sampling_probability CHECK (
        sampling_probability > 0 AND sampling_probability <= 1
    ),
    CONSTRAINT ck_ground_truth_sample_has_probability CHECK (
        verification_reason <> 'random_sample' OR sampling_probability IS NOT NULL
    )
);
CREATE UNIQUE INDEX uq_ground_truth_first_of_screening ON ground_truth (screening_id) WHERE first_of_screening;
CREATE INDEX ix_ground_truth_further_of_screening ON ground_truth (screening_id)
    WHERE screening_id IS NOT NULL AND NOT first_of_screening;
CREATE INDEX ix_ground_truth_key ON ground_truth (md5(key)) WHERE key IS NOT NULL;
CREATE INDEX ix_ground_truth_accession ON ground_truth (accession) WHERE accession IS NOT NULL;
CREATE INDEX ix_ground_truth_known_at ON ground_truth USING brin (known_at) WITH (autosummarize = true);
COMMENT ON TABLE ground_truth IS
    'Outcome reports: what was found, who found it, when it was reported and when it became known here.';
COMMENT ON COLUMN ground_truth.report_id IS
    'uuid5 of reference, source, time, outcome and what it supersedes: the same report again is the same row';
COMMENT ON COLUMN ground_truth.screening_id IS 'The image version, where the report names it';
COMMENT ON COLUMN ground_truth.bucket IS 'Bucket of an object that the report names without its ETag';
COMMENT ON COLUMN ground_truth.key IS
    'Key of an object named without its ETag, meaning its latest version at reported_at: personal data';
COMMENT ON COLUMN ground_truth.accession IS 'Pseudonym of the accession number: all images that carry it';
COMMENT ON COLUMN ground_truth.malignant IS 'What was found';
COMMENT ON COLUMN ground_truth.diagnosis IS 'Which kind of finding, of a closed list';
COMMENT ON COLUMN ground_truth.source IS 'histopathology, consensus, follow_up or registry';
COMMENT ON COLUMN ground_truth.verification_reason IS
    'Why it was verified: flagged, clinical, random_sample, routine or unknown';
COMMENT ON COLUMN ground_truth.sampling_probability IS
    'Probability with which this case was chosen for verification, if it was by chance';
COMMENT ON COLUMN ground_truth.reported_at IS 'Validity time: when the source reported it';
COMMENT ON COLUMN ground_truth.supersedes IS 'The report that this one replaces';
COMMENT ON COLUMN ground_truth.first_of_screening IS
    'Whether it came first of all reports that name this screening id';
COMMENT ON COLUMN ground_truth.imported_by IS 'Who brought it here';
COMMENT ON COLUMN ground_truth.batch_id IS 'The import that brought it';
COMMENT ON COLUMN ground_truth.known_at IS 'Knowledge time: when the row was written';

CREATE TABLE skin_type_reports (
    report_id uuid NOT NULL,
    screening_id uuid,
    bucket text,
    key text,
    accession text,
    fst smallint NOT NULL,
    fst_source text NOT NULL,
    reported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    batch_id uuid NOT NULL,
    known_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_skin_type_reports PRIMARY KEY (report_id),
    CONSTRAINT ck_skin_type_reports_one_reference CHECK (num_nonnulls(screening_id, key, accession) = 1),
    CONSTRAINT ck_skin_type_reports_key_has_bucket CHECK ((key IS NULL) = (bucket IS NULL)),
    CONSTRAINT ck_skin_type_reports_fst CHECK (fst BETWEEN 1 AND 6),
    CONSTRAINT ck_skin_type_reports_fst_source CHECK (fst_source IN ('reported', 'estimated', 'simulated'))
);
CREATE INDEX ix_skin_type_reports_screening_id ON skin_type_reports (screening_id)
    WHERE screening_id IS NOT NULL;
CREATE INDEX ix_skin_type_reports_key ON skin_type_reports (md5(key)) WHERE key IS NOT NULL;
CREATE INDEX ix_skin_type_reports_accession ON skin_type_reports (accession) WHERE accession IS NOT NULL;
CREATE INDEX ix_skin_type_reports_known_at ON skin_type_reports
    USING brin (known_at) WITH (autosummarize = true);
COMMENT ON TABLE skin_type_reports IS
    'Skin types that came after the image, and corrections: of those known, the latest reported counts.';
COMMENT ON COLUMN skin_type_reports.report_id IS
    'uuid5 of reference, source, time and skin type: the same report again is the same row';
COMMENT ON COLUMN skin_type_reports.screening_id IS 'The image version, where the report names it';
COMMENT ON COLUMN skin_type_reports.bucket IS 'Bucket of an object that the report names without its ETag';
COMMENT ON COLUMN skin_type_reports.key IS
    'Key of an object named without its ETag, meaning its latest version at reported_at: personal data';
COMMENT ON COLUMN skin_type_reports.accession IS 'Pseudonym of the accession number: all images that carry it';
COMMENT ON COLUMN skin_type_reports.fst IS 'Fitzpatrick skin type 1..6';
COMMENT ON COLUMN skin_type_reports.fst_source IS 'reported, estimated or simulated';
COMMENT ON COLUMN skin_type_reports.reported_at IS 'Validity time: when the source reported it';
COMMENT ON COLUMN skin_type_reports.imported_by IS 'Who brought it here';
COMMENT ON COLUMN skin_type_reports.batch_id IS 'The import that brought it';
COMMENT ON COLUMN skin_type_reports.known_at IS 'Knowledge time: when the row was written';

CREATE TABLE verification_draws (
    draw_id bigint GENERATED ALWAYS AS IDENTITY,
    model_version text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    seed bigint NOT NULL,
    wanted integer NOT NULL,
    population bigint NOT NULL,
    drawn_by text NOT NULL,
    drawn_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_verification_draws PRIMARY KEY (draw_id),
    CONSTRAINT uq_verification_draws_model_version_since_until_seed_wanted
        UNIQUE (model_version, since, until, seed, wanted),
    CONSTRAINT ck_verification_draws_window CHECK (since < until),
    CONSTRAINT ck_verification_draws_wanted CHECK (wanted > 0),
    CONSTRAINT ck_verification_draws_population CHECK (population > 0),
    CONSTRAINT fk_verification_draws_model_version
        FOREIGN KEY(model_version) REFERENCES models (model_version)
);
COMMENT ON TABLE verification_draws IS
    'Random samples of unflagged cases for verification: what was drawn from what, and how.';
COMMENT ON COLUMN verification_draws.draw_id IS 'Rises with time';
COMMENT ON COLUMN verification_draws.model_version IS 'The model that flagged none of the cases';
COMMENT ON COLUMN verification_draws.since IS 'Begin of the window on Last-Modified, included';
COMMENT ON COLUMN verification_draws.until IS 'End of the window, excluded';
COMMENT ON COLUMN verification_draws.seed IS 'Cases are drawn in the order of md5(seed:screening_id)';
COMMENT ON COLUMN verification_draws.wanted IS 'How many cases were asked for';
COMMENT ON COLUMN verification_draws.population IS 'How many unflagged cases had no outcome then';
COMMENT ON COLUMN verification_draws.drawn_by IS 'Who drew';
COMMENT ON COLUMN verification_draws.drawn_at IS 'When, and as of when outcomes were looked at';

CREATE TABLE verification_samples (
    draw_id bigint NOT NULL,
    screening_id uuid NOT NULL,
    sampling_probability double precision NOT NULL,
    CONSTRAINT pk_verification_samples PRIMARY KEY (draw_id, screening_id),
    CONSTRAINT ck_verification_samples_sampling_probability CHECK (
        sampling_probability > 0 AND sampling_probability <= 1
    ),
    CONSTRAINT fk_verification_samples_draw_id FOREIGN KEY(draw_id) REFERENCES verification_draws (draw_id)
);
CREATE INDEX ix_verification_samples_screening_id ON verification_samples (screening_id);
COMMENT ON TABLE verification_samples IS
    'The cases of each draw.';
COMMENT ON COLUMN verification_samples.draw_id IS 'The draw';
COMMENT ON COLUMN verification_samples.screening_id IS 'The case to verify';
COMMENT ON COLUMN verification_samples.sampling_probability IS
    'Probability with which the draw chose it: the size of the sample over that of the population';
