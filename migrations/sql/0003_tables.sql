-- What audits of ten million images are summed from. Rows are added by audit.increment() and audit.roll_up()
-- and never changed: a correction is a row of -1 and a row of +1.

CREATE TABLE audit_increments (
    increment_id integer GENERATED ALWAYS AS IDENTITY,
    as_of timestamptz NOT NULL,
    entries bigint NOT NULL,
    cells bigint NOT NULL,
    CONSTRAINT pk_audit_increments PRIMARY KEY (increment_id),
    CONSTRAINT uq_audit_increments_as_of UNIQUE (as_of)
);
COMMENT ON TABLE audit_increments IS
    'One row per run of audit.increment(): what was known at its time stands in the sums.';
COMMENT ON COLUMN audit_increments.increment_id IS 'Rises with as_of';
COMMENT ON COLUMN audit_increments.as_of IS 'The knowledge time: everything known until then is summed';
COMMENT ON COLUMN audit_increments.entries IS 'Rows that it added to audit_entries';
COMMENT ON COLUMN audit_increments.cells IS 'Rows that it added to audit_histogram';

CREATE TABLE audit_strata (
    stratum_id integer GENERATED ALWAYS AS IDENTITY,
    description text NOT NULL,
    model_version text NOT NULL,
    outcome text NOT NULL,
    reason text,
    flagged boolean,
    fst smallint,
    fst_source text NOT NULL,
    site text,
    device text,
    modality text NOT NULL,
    body_site text,
    age_band text,
    sex text,
    malignant boolean,
    contradictory boolean NOT NULL,
    label_source text,
    verification_reason text,
    CONSTRAINT pk_audit_strata PRIMARY KEY (stratum_id),
    CONSTRAINT uq_audit_strata_description UNIQUE (description)
);
COMMENT ON TABLE audit_strata IS
    'One row per combination of everything about a case that has few values.';
COMMENT ON COLUMN audit_strata.stratum_id IS 'Narrow key';
COMMENT ON COLUMN audit_strata.description IS 'The combination as text: what makes it unique, NULLs included';
COMMENT ON COLUMN audit_strata.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit_strata.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit_strata.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit_strata.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit_strata.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit_strata.fst_source IS 'reported, estimated, simulated or unknown';
COMMENT ON COLUMN audit_strata.site IS 'Clinic or hospital';
COMMENT ON COLUMN audit_strata.device IS 'Camera or dermatoscope';
COMMENT ON COLUMN audit_strata.modality IS 'dermoscopy, clinical, smartphone or unknown';
COMMENT ON COLUMN audit_strata.body_site IS 'Where on the body';
COMMENT ON COLUMN audit_strata.age_band IS 'Age at acquisition in bands';
COMMENT ON COLUMN audit_strata.sex IS 'female, male or other';
COMMENT ON COLUMN audit_strata.malignant IS 'The outcome; NULL when unknown or contradictory';
COMMENT ON COLUMN audit_strata.contradictory IS 'Whether outcomes contradict each other';
COMMENT ON COLUMN audit_strata.label_source IS 'The reference standard of the outcome';
COMMENT ON COLUMN audit_strata.verification_reason IS 'Why the outcome was looked for';

CREATE TABLE audit_entries (
    audit_id bigint NOT NULL,
    patient_number bigint,
    last_modified timestamptz NOT NULL,
    sampling_probability double precision,
    increment_id integer NOT NULL,
    stratum_id integer NOT NULL,
    latency_ms integer,
    score smallint,
    sign smallint NOT NULL,
    CONSTRAINT pk_audit_entries PRIMARY KEY (audit_id, increment_id, sign),
    CONSTRAINT ck_audit_entries_sign CHECK (sign IN (-1, 1))
);
CREATE INDEX ix_audit_entries_last_modified ON audit_entries
    USING brin (last_modified) WITH (autosummarize = true);
COMMENT ON TABLE audit_entries IS
    'Signed cases: the sum of the signs of a case is 1. Without foreign keys, as one function writes them.';
COMMENT ON COLUMN audit_entries.audit_id IS 'The terminal row it speaks of';
COMMENT ON COLUMN audit_entries.patient_number IS 'Number of the patient, if one was named';
COMMENT ON COLUMN audit_entries.last_modified IS 'Last-Modified of the store: audits'' windows';
COMMENT ON COLUMN audit_entries.sampling_probability IS
    'Probability with which it was drawn for verification, where it was';
COMMENT ON COLUMN audit_entries.increment_id IS 'The increment that added the row: its knowledge time';
COMMENT ON COLUMN audit_entries.stratum_id IS 'Everything about the case that has few values';
COMMENT ON COLUMN audit_entries.latency_ms IS 'From the first reading of the event to the row';
COMMENT ON COLUMN audit_entries.score IS 'Calibrated probability of malignancy x 10,000; NULL unless screened';
COMMENT ON COLUMN audit_entries.sign IS '1 adds the case as described, -1 takes it back';

CREATE TABLE audit_histogram (
    increment_id integer NOT NULL,
    day date NOT NULL,
    model_version text NOT NULL,
    fst_source text NOT NULL,
    fst smallint,
    outcome text NOT NULL,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean NOT NULL,
    score smallint,
    images integer NOT NULL
);
CREATE INDEX ix_audit_histogram_day_increment_id ON audit_histogram (day, increment_id);
COMMENT ON TABLE audit_histogram IS
    'Counts of images by day, model, skin type, outcome and score; signed, and summed over increments.';
COMMENT ON COLUMN audit_histogram.increment_id IS 'The increment that added the row: its knowledge time';
COMMENT ON COLUMN audit_histogram.day IS 'Day (UTC) of Last-Modified';
COMMENT ON COLUMN audit_histogram.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit_histogram.fst_source IS 'reported, estimated, simulated or unknown';
COMMENT ON COLUMN audit_histogram.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit_histogram.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit_histogram.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit_histogram.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit_histogram.malignant IS 'The outcome; NULL when unknown or contradictory';
COMMENT ON COLUMN audit_histogram.contradictory IS 'Whether outcomes contradict each other';
COMMENT ON COLUMN audit_histogram.score IS 'Calibrated probability of malignancy x 10,000; NULL unless screened';
COMMENT ON COLUMN audit_histogram.images IS 'How many more, or fewer where negative';

CREATE TABLE audit_periods (
    period_id integer GENERATED ALWAYS AS IDENTITY,
    first_day date NOT NULL,
    last_day date NOT NULL,
    through_increment_id integer NOT NULL,
    cells bigint NOT NULL,
    CONSTRAINT pk_audit_periods PRIMARY KEY (period_id),
    CONSTRAINT uq_audit_periods_first_day_last_day_through_increment_id
        UNIQUE (first_day, last_day, through_increment_id)
);
COMMENT ON TABLE audit_periods IS
    'Months, quarters and years whose histograms were added up once for all windows.';
COMMENT ON COLUMN audit_periods.period_id IS 'Narrow key';
COMMENT ON COLUMN audit_periods.first_day IS 'First day of the period';
COMMENT ON COLUMN audit_periods.last_day IS 'Last day of the period';
COMMENT ON COLUMN audit_periods.through_increment_id IS 'The newest increment that the sums hold';
COMMENT ON COLUMN audit_periods.cells IS 'Rows that it has in audit_period_sums';

CREATE TABLE audit_period_sums (
    period_id integer NOT NULL,
    model_version text NOT NULL,
    fst_source text NOT NULL,
    fst smallint,
    outcome text NOT NULL,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean NOT NULL,
    score smallint,
    images bigint NOT NULL
);
CREATE INDEX ix_audit_period_sums_period_id ON audit_period_sums (period_id);
COMMENT ON TABLE audit_period_sums IS
    'The histogram of a period: what audit_histogram sums to, made again from it at any time.';
COMMENT ON COLUMN audit_period_sums.period_id IS 'The period and the increment it was summed at';
COMMENT ON COLUMN audit_period_sums.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit_period_sums.fst_source IS 'reported, estimated, simulated or unknown';
COMMENT ON COLUMN audit_period_sums.fst IS 'Fitzpatrick skin type 1..6, NULL when unknown';
COMMENT ON COLUMN audit_period_sums.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit_period_sums.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit_period_sums.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit_period_sums.malignant IS 'The outcome; NULL when unknown or contradictory';
COMMENT ON COLUMN audit_period_sums.contradictory IS 'Whether outcomes contradict each other';
COMMENT ON COLUMN audit_period_sums.score IS 'Calibrated probability of malignancy x 10,000; NULL unless screened';
COMMENT ON COLUMN audit_period_sums.images IS 'How many images';
