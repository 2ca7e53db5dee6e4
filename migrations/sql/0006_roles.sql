-- Daily histograms go, as nothing reads them any more; the rights of what was made anew.

DROP FUNCTION figures.histogram(date, date, integer, text);
DROP FUNCTION figures.whole_day(timestamptz);
DROP TABLE audit_histogram, audit_period_sums;
ALTER TABLE audit_periods DROP COLUMN cells, ADD COLUMN images bigint NOT NULL;
COMMENT ON TABLE audit_periods IS
    'Months and their thirds, quarters and years whose images were counted once for all windows.';
COMMENT ON COLUMN audit_periods.images IS 'How many images it counts';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
REVOKE ALL ON FUNCTION
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.skin_type_components(timestamptz, timestamptz, timestamptz, text, text),
    audit.description(timestamptz, timestamptz, timestamptz, text, text),
    audit.increment(timestamptz),
    audit.roll_up()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.skin_type_components(timestamptz, timestamptz, timestamptz, text, text),
    audit.description(timestamptz, timestamptz, timestamptz, text, text)
    TO evenscreen_auditor;
GRANT EXECUTE ON FUNCTION audit.increment(timestamptz), audit.roll_up()
    TO evenscreen_operator, evenscreen_nightly;
