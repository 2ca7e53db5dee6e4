-- Nobody but the functions of schema audit calls what is in schema figures.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
-- case_rows has the rights of whoever asks; without the right to it audit.cases could not be taken apart.
GRANT EXECUTE ON FUNCTION figures.case_rows(timestamptz, timestamptz, timestamptz, text, uuid[], bigint[])
    TO evenscreen_auditor;
