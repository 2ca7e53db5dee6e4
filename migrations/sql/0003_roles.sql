-- Auditors ask, operators let the sums grow. The owner alone may use what the functions are made of.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
REVOKE ALL ON FUNCTION
    audit.age_band(smallint),
    audit.fst_group(smallint),
    audit.cases(timestamptz, timestamptz, timestamptz, text),
    audit.metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.histogram_metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.placements(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.calibration_bins(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.verification(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.increment(timestamptz),
    audit.roll_up()
    FROM PUBLIC;

GRANT SELECT ON audit.records TO evenscreen_auditor;
-- case_rows has the rights of whoever asks; without the right to it audit.cases could not be taken apart.
GRANT EXECUTE ON FUNCTION
    figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[]),
    audit.age_band(smallint),
    audit.fst_group(smallint),
    audit.cases(timestamptz, timestamptz, timestamptz, text),
    audit.metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.histogram_metrics(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.placements(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.calibration_bins(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.verification(timestamptz, timestamptz, timestamptz, text, text, text, integer)
    TO evenscreen_auditor;
GRANT EXECUTE ON FUNCTION audit.increment(timestamptz), audit.roll_up() TO evenscreen_operator;
