-- Who may do what. Four group roles without login; operations make login roles and grant them one of these.
-- Roles belong to the cluster, not to the database: they are made when missing and never dropped.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'evenscreen_worker', 'evenscreen_door', 'evenscreen_operator', 'evenscreen_auditor'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of the cluster was upgraded at the same moment
            END;
        END IF;
    END LOOP;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO evenscreen_worker, evenscreen_door, evenscreen_operator, evenscreen_auditor',
        current_database()
    );
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO evenscreen_worker, evenscreen_door, evenscreen_operator;
GRANT SELECT ON alembic_version TO evenscreen_worker, evenscreen_door, evenscreen_operator;

-- The screening worker and the outbox relay. Nothing is ever deleted, and only publication is ever marked.
GRANT SELECT, INSERT
    ON arrivals, audit_records, predictions, dead_letters, outbox, patients, models
    TO evenscreen_worker;
GRANT UPDATE (published_at) ON outbox TO evenscreen_worker;

-- Notification relay and reconciler. The reconciler names objects again, so it reads what names them.
GRANT SELECT (screening_id, bucket, key, etag, version_id, size_bytes, last_modified, trace_id, first_seen_at)
    ON arrivals TO evenscreen_door;
GRANT SELECT (screening_id) ON audit_records TO evenscreen_door;
GRANT INSERT, SELECT (dead_letter_id, audit_id, event_sha256, recorded_at) ON dead_letters TO evenscreen_door;
GRANT SELECT, INSERT, UPDATE ON walks, listings TO evenscreen_door;

-- Operators: status, the trace of one screening, the ledger. No key, no pseudonym, no event, and of the person
-- only the skin type, because whether it came along is what operators are asked.
GRANT USAGE ON SCHEMA audit TO evenscreen_operator;
GRANT SELECT ON audit.models, audit.arrivals, audit.walks, audit.listings TO evenscreen_operator;
GRANT SELECT (screening_id, model_version, outcome, reason, bucket, last_modified, recorded_at)
    ON audit.screenings TO evenscreen_operator;
GRANT SELECT (screening_id, bucket, size_bytes, last_modified, door, trace_id, first_seen_at)
    ON arrivals TO evenscreen_operator;
GRANT SELECT (
    audit_id, screening_id, model_version, outcome, reason, fst, fst_source, site, device, modality,
    modality_intended,
    metadata_problem, last_modified, trace_id, recorded_at
) ON audit_records TO evenscreen_operator;
GRANT SELECT (audit_id, score, flagged) ON predictions TO evenscreen_operator;
GRANT SELECT (
    dead_letter_id, audit_id, topic, reason, detail, event_size_bytes, event_sha256, recorded_at
) ON dead_letters TO evenscreen_operator;
GRANT SELECT (message_id, screening_id, topic, created_at, published_at) ON outbox TO evenscreen_operator;
GRANT SELECT ON models, walks, listings TO evenscreen_operator;

-- Auditors: the views, and nothing else.
GRANT USAGE ON SCHEMA audit TO evenscreen_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA audit TO evenscreen_auditor;
