-- Back to revision 0003. The group role stays: roles belong to the cluster.

DROP VIEW audit.results, audit.plans;
DROP TABLE audit_results, audit_plans;

REVOKE ALL ON FUNCTION audit.increment(timestamptz), audit.roll_up() FROM evenscreen_nightly;
REVOKE ALL ON alembic_version FROM evenscreen_nightly;
REVOKE ALL ON SCHEMA public FROM evenscreen_nightly;
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM evenscreen_nightly', current_database());
END
$$;
