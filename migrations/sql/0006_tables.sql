-- Sums of every dimension instead of daily histograms of skin types. Frozen: what changes later is a later
-- revision. What was summed goes and is summed again by the next audit.increment(): it is made of other rows,
-- and no figure depends on when that happens.

TRUNCATE audit_increments, audit_strata, audit_entries, audit_periods;

ALTER TABLE audit_increments DROP COLUMN cells;

CREATE TABLE audit_groups (
    group_id integer GENERATED ALWAYS AS IDENTITY,
    description text NOT NULL,
    model_version text NOT NULL,
    number smallint NOT NULL,
    dimension text NOT NULL,
    fst_source text,
    value text,
    site text,
    CONSTRAINT pk_audit_groups PRIMARY KEY (group_id),
    CONSTRAINT uq_audit_groups_description UNIQUE (description)
);
COMMENT ON TABLE audit_groups IS 'One row per group of images of a model that any dimension knows.';
COMMENT ON COLUMN audit_groups.group_id IS 'Narrow key';
COMMENT ON COLUMN audit_groups.description IS 'The group as text: what makes it unique, NULLs included';
COMMENT ON COLUMN audit_groups.model_version IS 'The model that the worker ran';
COMMENT ON COLUMN audit_groups.number IS 'The place of its dimension in audit_strata.group_ids';
COMMENT ON COLUMN audit_groups.dimension IS
    'all, fst, fst_group, fst_source, site, modality, age_band, sex, body_site, device, or fst at site';
COMMENT ON COLUMN audit_groups.fst_source IS 'Of groups of skin types: where the type came from';
COMMENT ON COLUMN audit_groups.value IS 'The group, NULL where unknown';
COMMENT ON COLUMN audit_groups.site IS 'Clinic or hospital, of fst at site';

CREATE TABLE audit_kinds (
    kind_id integer GENERATED ALWAYS AS IDENTITY,
    description text NOT NULL,
    outcome text NOT NULL,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean NOT NULL,
    CONSTRAINT pk_audit_kinds PRIMARY KEY (kind_id),
    CONSTRAINT uq_audit_kinds_description UNIQUE (description)
);
COMMENT ON TABLE audit_kinds IS 'One row per way in which images end, whatever group they are in.';
COMMENT ON COLUMN audit_kinds.kind_id IS 'Narrow key, from 1; 0 stands for latencies of all kinds';
COMMENT ON COLUMN audit_kinds.description IS 'The kind as text: what makes it unique, NULLs included';
COMMENT ON COLUMN audit_kinds.outcome IS 'screened, rejected or superseded';
COMMENT ON COLUMN audit_kinds.reason IS 'Why it was rejected';
COMMENT ON COLUMN audit_kinds.flagged IS 'Whether the score reached the threshold; NULL unless screened';
COMMENT ON COLUMN audit_kinds.malignant IS 'The outcome; NULL when unknown or contradictory';
COMMENT ON COLUMN audit_kinds.contradictory IS 'Whether outcomes contradict each other';

ALTER TABLE audit_strata
    ADD COLUMN kind_id integer NOT NULL,
    ADD COLUMN group_ids integer[] NOT NULL;
COMMENT ON COLUMN audit_strata.kind_id IS 'How images of the combination end';
COMMENT ON COLUMN audit_strata.group_ids IS 'Their group in every dimension, by its number';

CREATE INDEX ix_audit_entries_increment_id ON audit_entries
    USING brin (increment_id) WITH (autosummarize = true);
-- Patients are counted in two halves, each by a process of its own: the planner must know that they are halves.
CREATE STATISTICS st_audit_entries_half ON (coalesce(patient_number, -audit_id) & 1) FROM audit_entries;

CREATE TABLE audit_sums (
    period_id integer NOT NULL,
    group_id integer NOT NULL,
    kind_id integer NOT NULL,
    numbers integer[] NOT NULL,
    images integer[] NOT NULL,
    CONSTRAINT pk_audit_sums PRIMARY KEY (period_id, group_id, kind_id)
);
COMMENT ON TABLE audit_sums IS
    'The histograms of a period: what audit_entries sum to, made again from them at any time.';
COMMENT ON COLUMN audit_sums.period_id IS 'The period and the increment it was summed at';
COMMENT ON COLUMN audit_sums.group_id IS 'The group of the images';
COMMENT ON COLUMN audit_sums.kind_id IS 'How they ended; 0: numbers are latencies in ms, not scores';
COMMENT ON COLUMN audit_sums.numbers IS
    'Scores x 10,000, NULL where there is none; or latencies in ms';
COMMENT ON COLUMN audit_sums.images IS 'How many images have the number at the same place';

CREATE FUNCTION figures.groups_of(
    fst smallint, fst_source text, site text, modality text, age_band text, sex text, body_site text, device text
)
RETURNS TABLE (number smallint, dimension text, fst_source text, value text, site text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT d.number::smallint, d.dimension, d.fst_source, d.value, d.site
    FROM (VALUES
        (1, 'all', NULL, 'all', NULL),
        (2, 'fst', groups_of.fst_source, groups_of.fst::text, NULL),
        (3, 'fst_group', groups_of.fst_source, audit.fst_group(groups_of.fst), NULL),
        (4, 'fst_source', NULL, groups_of.fst_source, NULL),
        (5, 'site', NULL, groups_of.site, NULL),
        (6, 'modality', NULL, groups_of.modality, NULL),
        (7, 'age_band', NULL, groups_of.age_band, NULL),
        (8, 'sex', NULL, groups_of.sex, NULL),
        (9, 'body_site', NULL, groups_of.body_site, NULL),
        (10, 'device', NULL, groups_of.device, NULL),
        (11, 'fst at site', groups_of.fst_source, groups_of.fst::text, groups_of.site)
    ) AS d(number, dimension, fst_source, value, site);
END;
COMMENT ON FUNCTION figures.groups_of(smallint, text, text, text, text, text, text, text) IS
    'The group of a case in every dimension, and in skin types at sites.';

CREATE FUNCTION figures.is_asked(asked text, source text, dimension text, fst_source text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (asked = dimension OR (asked = '*' AND dimension <> 'fst at site'))
    AND (fst_source IS NULL OR fst_source = source);
COMMENT ON FUNCTION figures.is_asked(text, text, text, text) IS
    'Whether a question means groups of a dimension: its own, all of them for *; skin types of one source.';

CREATE FUNCTION figures.group_name(asked text, dimension text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE asked
    WHEN '*' THEN '=' || dimension || coalesce('=' || value, '')
    ELSE coalesce('=' || value, '')
END;
COMMENT ON FUNCTION figures.group_name(text, text, text) IS
    'A group as figures.group_key names it; with its dimension before a second = where several are asked.';
