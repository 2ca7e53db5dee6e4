-- What revision 0014 added and nothing uses any more, once the functions of older revisions stand again.

DROP FUNCTION
    figures.halves(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
        double precision[], double precision[]
    ),
    figures.half_of_patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
        boolean, double precision[], double precision[], integer
    ),
    figures.patient_codes(
        timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer[], integer,
        boolean
    ),
    figures.alike_strata(integer[], integer[]);
ALTER FUNCTION audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer)
    SET enable_nestloop = on SET jit = off SET plan_cache_mode = force_custom_plan;
COMMENT ON FUNCTION figures.patient_codes(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean
) IS 'Signed cases as figures.patient_code counts them. residual: outcome minus score, from bit 12, and false positive.';
COMMENT ON FUNCTION figures.half_of_patient_codes(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer, boolean,
    double precision[], double precision[], integer
) IS
    'figures.half_of_patients by type and group at once. Patients with the same counts are summed as one; those of '
    'several types or with too many images to be packed are not in the sums but returned.';
COMMENT ON FUNCTION figures.halves(
    timestamptz, timestamptz, timestamptz, text, text, text[], text[], integer[], integer[], integer,
    double precision[], double precision[]
) IS 'figures.half_of_patient_codes of both halves.';
COMMENT ON FUNCTION figures.cells_by_site(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Screened images per group, site, flag, outcome (NULL without a usable one) and exact score.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
