-- Back to revision 0004.

DROP FUNCTION
    audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer),
    audit.reference_standards(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_strata(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.sampled_components(timestamptz, timestamptz, timestamptz, text, text, text),
    audit.unlike_sums(timestamptz, timestamptz, timestamptz, text),
    figures.cells_by_site(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer),
    figures.sampled_cases(timestamptz, timestamptz, timestamptz, text, text, text, text[]),
    figures.sampled_effect(double precision, double precision, bigint, double precision);
