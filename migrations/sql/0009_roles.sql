-- Nobody but the functions of schema audit calls what is in schema figures.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
REVOKE ALL ON FUNCTION
    audit.skin_type_cases(timestamptz, timestamptz, timestamptz, text, text),
    audit.score_counts(timestamptz, timestamptz, timestamptz, text, text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    audit.skin_type_cases(timestamptz, timestamptz, timestamptz, text, text),
    audit.score_counts(timestamptz, timestamptz, timestamptz, text, text, text)
    TO evenscreen_auditor;
