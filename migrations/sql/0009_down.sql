-- What revision 0009 added and nothing uses any more, once the functions of older revisions stand again.

DROP FUNCTION
    figures.halves(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer,
        double precision[], double precision[]
    ),
    figures.half_of_patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean,
        double precision[], double precision[], integer
    ),
    figures.patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean
    ),
    figures.patient_code(integer, integer, text, boolean, boolean),
    figures.coded(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer),
    figures.kind_code(text, boolean, boolean, boolean);
DROP AGGREGATE figures.bits(integer);
DROP FUNCTION
    figures.stratum_counts(timestamptz, timestamptz, integer),
    figures.unsummed_cases(timestamptz, timestamptz, integer),
    audit.skin_type_cases(timestamptz, timestamptz, timestamptz, text, text),
    audit.score_counts(timestamptz, timestamptz, timestamptz, text, text, text);
DROP TABLE audit_stratum_sums;
TRUNCATE audit_periods, audit_sums;
