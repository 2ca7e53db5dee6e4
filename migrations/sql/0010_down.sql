-- What revision 0010 added and nothing uses any more, once the functions of older revisions stand again.

ALTER FUNCTION figures.changes(timestamptz) SET random_page_cost = 1.1;
DROP FUNCTION
    figures.histogram(
        timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.rated_beside(
        timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.rated(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.latencies(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.described(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.coded(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer, figures.fresh_count[]
    ),
    figures.group_keys(figures.fresh_count[], text, text, text),
    figures.fresh(timestamptz, timestamptz, timestamptz, text, text, text),
    figures.summed(timestamptz, timestamptz, integer),
    figures.summed_dimensions(timestamptz, timestamptz, integer, integer, integer),
    figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[], bigint[]);
DROP TYPE figures.fresh_count;
DROP TABLE audit_increment_days;
COMMENT ON FUNCTION figures.latencies(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Percentiles of the latency per group, as percentile_disc finds them, to the millisecond.';
COMMENT ON FUNCTION
    figures.latency_cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Images screened or rejected per group and latency; basis as in figures.cells.';
COMMENT ON FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[]) IS
    'audit.cases of some screenings only.';
COMMENT ON FUNCTION audit.roll_up() IS
    'Counts the images of whole thirds of months, months, quarters, years and all that came until a quarter''s end, where none '
    'is counted yet or half as many came or changed since. Changes no figure, only how fast it is found. Returns '
    'how many periods it counted.';
COMMENT ON TABLE audit_periods IS
    'Months and their thirds, quarters and years whose images were counted once for all windows.';
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
GRANT EXECUTE ON FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[])
    TO evenscreen_auditor;
COMMENT ON FUNCTION figures.described(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Counts and figures that counts by exact score give, one row per group.';
COMMENT ON FUNCTION figures.numbered_groups(text, text, text, text[]) IS
    'Groups that a question means, with their place in keys.';
