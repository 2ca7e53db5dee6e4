-- Back to revision 0001. The group role stays: roles belong to the cluster.

DROP FUNCTION draw_verification_sample(text, timestamptz, timestamptz, bigint, integer, text);
DROP FUNCTION audit.outcomes(timestamptz), audit.skin_types(timestamptz);
DROP VIEW
    audit.first_outcomes, audit.further_outcomes, audit.outcome_reports, audit.waiting_outcomes,
    audit.matched_skin_types, audit.skin_type_reports, audit.verification_draws, audit.verification_samples;
DROP TABLE verification_samples, verification_draws, skin_type_reports, ground_truth;
DROP INDEX ix_arrivals_key;
ALTER TABLE audit_records DROP COLUMN accession;

REVOKE ALL ON alembic_version, dead_letters FROM evenscreen_labeller;
REVOKE ALL (dead_letter_id) ON dead_letters FROM evenscreen_labeller;
REVOKE ALL ON SCHEMA public FROM evenscreen_labeller;
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM evenscreen_labeller', current_database());
END
$$;
