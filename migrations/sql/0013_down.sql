-- What revision 0013 added and nothing uses any more, once the functions of older revisions stand again. Sums of days
-- go: nothing would count them again.

DROP FUNCTION
    figures.summarize_ranges(),
    figures.measured(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.coded(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[], boolean
    ),
    figures.tallied(timestamptz, timestamptz, integer, integer[], boolean);
WITH days AS (
    DELETE FROM audit_periods WHERE last_day = first_day RETURNING period_id
),
sums AS (
    DELETE FROM audit_sums AS s USING days AS d WHERE s.period_id = d.period_id
)
DELETE FROM audit_stratum_sums AS s USING days AS d WHERE s.period_id = d.period_id;
ALTER TABLE audit_increment_days DROP CONSTRAINT pk_audit_increment_days;
ALTER TABLE audit_increment_days ADD CONSTRAINT pk_audit_increment_days PRIMARY KEY (increment_id, day);
COMMENT ON FUNCTION figures.coded(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Images by group, figures.kind_code, reason of rejection and exact score; basis is histogram or cases.';
COMMENT ON FUNCTION figures.described(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Counts, areas and calibration per group.';
COMMENT ON FUNCTION figures.latencies(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
) IS 'Percentiles of the latency per group, as percentile_disc finds them, to the millisecond.';
COMMENT ON FUNCTION audit.roll_up() IS
    'Counts the images of whole sixths of months, months, quarters, halves of years, years and all that came until '
    'a quarter''s end, where none is counted yet or half as many came or changed since. Changes no figure, only how '
    'fast it is found. Returns how many periods it counted.';
COMMENT ON TABLE audit_periods IS
    'Months and their sixths, quarters, years and their halves whose images were counted once for all windows.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
