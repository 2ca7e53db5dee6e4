-- The label worker and the commands about labels: they write reports, and read none of them back.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'evenscreen_labeller') THEN
        BEGIN
            CREATE ROLE evenscreen_labeller NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of the cluster was upgraded at the same moment
        END;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO evenscreen_labeller', current_database());
END
$$;

GRANT USAGE ON SCHEMA public TO evenscreen_labeller;
GRANT SELECT ON alembic_version TO evenscreen_labeller;
GRANT INSERT, SELECT (report_id) ON ground_truth, skin_type_reports TO evenscreen_labeller;
-- What it cannot read must be kept; what others could not read is none of its business.
GRANT INSERT, SELECT (dead_letter_id) ON dead_letters TO evenscreen_labeller;
REVOKE ALL ON FUNCTION draw_verification_sample(text, timestamptz, timestamptz, bigint, integer, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION draw_verification_sample(text, timestamptz, timestamptz, bigint, integer, text)
    TO evenscreen_labeller;

GRANT SELECT ON
    audit.first_outcomes, audit.further_outcomes, audit.outcome_reports, audit.waiting_outcomes,
    audit.matched_skin_types, audit.skin_type_reports, audit.verification_draws, audit.verification_samples
    TO evenscreen_auditor;
REVOKE ALL ON FUNCTION audit.outcomes(timestamptz), audit.skin_types(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.outcomes(timestamptz), audit.skin_types(timestamptz) TO evenscreen_auditor;
