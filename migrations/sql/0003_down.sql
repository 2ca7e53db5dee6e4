-- Back to revision 0002. The sums go; what they were summed from stays.

DROP FUNCTION
    audit.cases(timestamptz, timestamptz, timestamptz, text),
    audit.metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.histogram_metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.placements(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.calibration_bins(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.verification(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.increment(timestamptz),
    audit.roll_up();
DROP SCHEMA figures CASCADE;
DROP TYPE audit.group_figures;
DROP VIEW audit.records;
DROP FUNCTION audit.age_band(smallint), audit.fst_group(smallint);
DROP TABLE
    audit_period_sums, audit_periods, audit_histogram, audit_entries, audit_strata, audit_increments;
