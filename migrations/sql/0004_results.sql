-- Plans and results of audits: what was decided before a look, and what the look showed. Append-only.
-- Frozen: what changes later is a later revision.

CREATE TABLE audit_plans (
    plan_version text NOT NULL,
    name text NOT NULL,
    plan jsonb NOT NULL,
    registered_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_audit_plans PRIMARY KEY (plan_version),
    CONSTRAINT ck_audit_plans_plan_version CHECK (plan_version ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE audit_plans IS 'One row per version of an audit plan that an audit followed.';
COMMENT ON COLUMN audit_plans.plan_version IS 'SHA-256 over everything the plan decides';
COMMENT ON COLUMN audit_plans.name IS 'Name of the plan';
COMMENT ON COLUMN audit_plans.plan IS 'Margins, groups, error rates, maturity';
COMMENT ON COLUMN audit_plans.registered_at IS 'When an audit first followed it';

CREATE TABLE audit_results (
    result_id bigint GENERATED ALWAYS AS IDENTITY,
    model_version text NOT NULL,
    threshold smallint NOT NULL,
    plan_version text NOT NULL,
    kind text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    as_of timestamptz NOT NULL,
    conclusion text NOT NULL,
    code_version text NOT NULL,
    input_sha256 text NOT NULL,
    result jsonb NOT NULL,
    recorded_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_audit_results PRIMARY KEY (result_id),
    CONSTRAINT uq_audit_results_question UNIQUE (
        model_version, plan_version, kind, since, until, as_of
    ),
    CONSTRAINT ck_audit_results_kind CHECK (kind IN ('nightly', 'quarter', 'exploratory')),
    CONSTRAINT ck_audit_results_conclusion CHECK (conclusion IN (
        'even', 'uneven', 'insufficient evidence', 'incomplete', 'no verdict'
    )),
    CONSTRAINT ck_audit_results_threshold CHECK (threshold BETWEEN 0 AND 10000),
    CONSTRAINT fk_audit_results_model_version FOREIGN KEY(model_version) REFERENCES models (model_version),
    CONSTRAINT fk_audit_results_plan_version FOREIGN KEY(plan_version) REFERENCES audit_plans (plan_version)
);
COMMENT ON TABLE audit_results IS 'One row per audit: asked again, the same question has the same answer.';
COMMENT ON COLUMN audit_results.result_id IS 'Rises with time';
COMMENT ON COLUMN audit_results.model_version IS 'The model that was audited';
COMMENT ON COLUMN audit_results.threshold IS 'Scores at or above it were flagged (0..10,000)';
COMMENT ON COLUMN audit_results.plan_version IS 'The plan that it followed';
COMMENT ON COLUMN audit_results.kind IS 'nightly, quarter or exploratory';
COMMENT ON COLUMN audit_results.since IS 'Begin of the window on Last-Modified';
COMMENT ON COLUMN audit_results.until IS 'End of the window, itself not in it';
COMMENT ON COLUMN audit_results.as_of IS 'What was known then was counted';
COMMENT ON COLUMN audit_results.conclusion IS
    'even, uneven, insufficient evidence, incomplete, or no verdict when exploratory';
COMMENT ON COLUMN audit_results.code_version IS 'Version of evenscreen that computed it';
COMMENT ON COLUMN audit_results.input_sha256 IS 'SHA-256 over the figures that the verdicts rest on';
COMMENT ON COLUMN audit_results.result IS 'The whole audit, in the published schema';
COMMENT ON COLUMN audit_results.recorded_at IS 'When it was stored';

CREATE VIEW audit.plans AS
SELECT plan_version, name, plan, registered_at FROM public.audit_plans;
COMMENT ON VIEW audit.plans IS 'Every version of every plan that an audit followed.';
COMMENT ON COLUMN audit.plans.plan_version IS 'SHA-256 over everything the plan decides';
COMMENT ON COLUMN audit.plans.name IS 'Name of the plan';
COMMENT ON COLUMN audit.plans.plan IS 'Margins, groups, error rates, maturity';
COMMENT ON COLUMN audit.plans.registered_at IS 'When an audit first followed it';

CREATE VIEW audit.results AS
SELECT
    result_id, model_version, threshold, plan_version, kind, since, until, as_of, conclusion, code_version,
    input_sha256, result, recorded_at
FROM public.audit_results;
COMMENT ON VIEW audit.results IS 'Every stored audit, the newest last.';
COMMENT ON COLUMN audit.results.result_id IS 'Rises with time';
COMMENT ON COLUMN audit.results.model_version IS 'The model that was audited';
COMMENT ON COLUMN audit.results.threshold IS 'Scores at or above it were flagged (0..10,000)';
COMMENT ON COLUMN audit.results.plan_version IS 'The plan that it followed';
COMMENT ON COLUMN audit.results.kind IS 'nightly, quarter or exploratory';
COMMENT ON COLUMN audit.results.since IS 'Begin of the window on Last-Modified';
COMMENT ON COLUMN audit.results.until IS 'End of the window, itself not in it';
COMMENT ON COLUMN audit.results.as_of IS 'What was known then was counted';
COMMENT ON COLUMN audit.results.conclusion IS
    'even, uneven, insufficient evidence, incomplete, or no verdict when exploratory';
COMMENT ON COLUMN audit.results.code_version IS 'Version of evenscreen that computed it';
COMMENT ON COLUMN audit.results.input_sha256 IS 'SHA-256 over the figures that the verdicts rest on';
COMMENT ON COLUMN audit.results.result IS 'The whole audit, in the published schema';
COMMENT ON COLUMN audit.results.recorded_at IS 'When it was stored';

-- The nightly audit reads what auditors read, and adds results.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'evenscreen_nightly') THEN
        BEGIN
            CREATE ROLE evenscreen_nightly NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of the cluster was upgraded at the same moment
        END;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO evenscreen_nightly', current_database());
END
$$;
GRANT evenscreen_auditor TO evenscreen_nightly;
GRANT USAGE ON SCHEMA public TO evenscreen_nightly;
GRANT SELECT ON alembic_version TO evenscreen_nightly;
GRANT INSERT, SELECT ON audit_plans, audit_results TO evenscreen_nightly;
GRANT EXECUTE ON FUNCTION audit.increment(timestamptz), audit.roll_up() TO evenscreen_nightly;
GRANT SELECT ON audit.plans, audit.results TO evenscreen_auditor;
