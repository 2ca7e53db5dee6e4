-- What revision 0006 added and nothing uses any more, once the functions of older revisions stand again.

DROP FUNCTION
    figures.latencies(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer),
    figures.latency_cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer),
    figures.halves(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer, double precision[],
        double precision[]
    ),
    figures.sums_by_group(
        timestamptz, timestamptz, timestamptz, text, text, text, text[], integer, double precision[], bigint[]
    ),
    figures.components(figures.patient_sums[], jsonb, text[]),
    figures.areas(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer),
    figures.half_of_patients(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer, double precision[],
        double precision[], integer, boolean, bigint[]
    ),
    figures.patient_rows(
        timestamptz, timestamptz, timestamptz, text, text, text, text, text[], text[], integer
    ),
    figures.counted(timestamptz, timestamptz, integer, text, text, integer[], boolean),
    figures.unsummed(timestamptz, timestamptz, integer),
    figures.periods(timestamptz, timestamptz, integer),
    figures.group_places(text, text, text, text[]),
    figures.numbered_groups(text, text, text, text[]),
    figures.dimension_numbers(text),
    figures.is_asked(text, text, text, text),
    figures.group_name(text, text, text),
    figures.groups_of(smallint, text, text, text, text, text, text, text);
DROP TYPE figures.patient_sums;
DROP TABLE audit_sums, audit_kinds, audit_groups;
DROP STATISTICS st_audit_entries_half;
DROP INDEX ix_audit_entries_increment_id;
ALTER TABLE audit_strata DROP COLUMN kind_id, DROP COLUMN group_ids;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
REVOKE ALL ON FUNCTION
    audit.components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.increment(timestamptz),
    audit.roll_up()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.components(timestamptz, timestamptz, timestamptz, text, text, text)
    TO evenscreen_auditor;
GRANT EXECUTE ON FUNCTION audit.increment(timestamptz), audit.roll_up()
    TO evenscreen_operator, evenscreen_nightly;
