-- Back to an empty database, with the rights that Postgres gives by default.

DROP SCHEMA audit CASCADE;
DROP TABLE outbox, dead_letters, predictions, audit_records, patients, models, listings, walks, arrivals;

REVOKE ALL ON alembic_version FROM evenscreen_worker, evenscreen_door, evenscreen_operator;
REVOKE ALL ON SCHEMA public FROM evenscreen_worker, evenscreen_door, evenscreen_operator;
GRANT USAGE ON SCHEMA public TO PUBLIC;

DO $$
BEGIN
    EXECUTE format(
        'REVOKE ALL ON DATABASE %I FROM evenscreen_worker, evenscreen_door, evenscreen_operator, evenscreen_auditor',
        current_database()
    );
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
