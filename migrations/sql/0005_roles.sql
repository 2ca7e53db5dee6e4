-- Auditors ask; the owner alone uses what the functions are made of.

REVOKE ALL ON FUNCTION
    figures.sampled_cases(timestamptz, timestamptz, timestamptz, text, text, text, text[]),
    figures.cells_by_site(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer),
    figures.sampled_effect(double precision, double precision, bigint, double precision),
    audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.reference_standards(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_strata(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.unlike_sums(timestamptz, timestamptz, timestamptz, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.reference_standards(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_strata(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.unlike_sums(timestamptz, timestamptz, timestamptz, text)
    TO evenscreen_auditor;
