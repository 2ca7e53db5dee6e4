-- The tables of revision 0003, empty: the next increment fills them.

DROP FUNCTION
    audit.description(timestamptz, timestamptz, timestamptz, text, text),
    audit.skin_type_components(timestamptz, timestamptz, timestamptz, text, text),
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.increment(timestamptz),
    audit.roll_up();
ALTER FUNCTION figures.changes(timestamptz) RESET random_page_cost;
ALTER FUNCTION audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer)
    RESET enable_nestloop RESET jit RESET plan_cache_mode;
TRUNCATE audit_increments, audit_strata, audit_entries, audit_periods, audit_sums, audit_groups, audit_kinds;
ALTER TABLE audit_increments ADD COLUMN cells bigint NOT NULL;
COMMENT ON COLUMN audit_increments.cells IS 'Rows that it added to audit_histogram';
ALTER TABLE audit_periods DROP COLUMN images, ADD COLUMN cells bigint NOT NULL;
COMMENT ON TABLE audit_periods IS
    'Months, quarters and years whose histograms were added up once for all windows.';
COMMENT ON COLUMN audit_periods.cells IS 'Rows that it has in audit_period_sums';
