-- Changes of verdict that the webhook has taken: what it was not told yet is what stands in no row. Append-only.
-- Frozen: what changes later is a later revision.

CREATE TABLE audit_announcements (
    announcement_id bigint GENERATED ALWAYS AS IDENTITY,
    model_version text NOT NULL,
    plan_version text NOT NULL,
    as_of timestamptz NOT NULL,
    conclusion text NOT NULL,
    told_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_audit_announcements PRIMARY KEY (announcement_id),
    CONSTRAINT ck_audit_announcements_conclusion CHECK (conclusion IN (
        'even', 'uneven', 'insufficient evidence', 'incomplete', 'no verdict'
    )),
    CONSTRAINT fk_audit_announcements_model_version
        FOREIGN KEY(model_version) REFERENCES models (model_version),
    CONSTRAINT fk_audit_announcements_plan_version
        FOREIGN KEY(plan_version) REFERENCES audit_plans (plan_version)
);
COMMENT ON TABLE audit_announcements IS 'One row per change of verdict that the webhook has taken.';
COMMENT ON COLUMN audit_announcements.announcement_id IS 'Rises with time';
COMMENT ON COLUMN audit_announcements.model_version IS 'The model that was audited';
COMMENT ON COLUMN audit_announcements.plan_version IS 'The plan that the audit followed';
COMMENT ON COLUMN audit_announcements.as_of IS 'The midnight whose audit it was';
COMMENT ON COLUMN audit_announcements.conclusion IS 'What was told';
COMMENT ON COLUMN audit_announcements.told_at IS 'When the receiver had taken it';

CREATE VIEW audit.announcements AS
SELECT announcement_id, model_version, plan_version, as_of, conclusion, told_at FROM public.audit_announcements;
COMMENT ON VIEW audit.announcements IS 'Every change of verdict that the webhook has taken.';
COMMENT ON COLUMN audit.announcements.announcement_id IS 'Rises with time';
COMMENT ON COLUMN audit.announcements.model_version IS 'The model that was audited';
COMMENT ON COLUMN audit.announcements.plan_version IS 'The plan that the audit followed';
COMMENT ON COLUMN audit.announcements.as_of IS 'The midnight whose audit it was';
COMMENT ON COLUMN audit.announcements.conclusion IS 'What was told';
COMMENT ON COLUMN audit.announcements.told_at IS 'When the receiver had taken it';

GRANT INSERT, SELECT ON audit_announcements TO evenscreen_nightly;
GRANT SELECT ON audit.announcements TO evenscreen_auditor;

COMMENT ON COLUMN audit_results.code_version IS
    'Version of evenscreen that computed it and checksum of the code that counts and judges';
COMMENT ON COLUMN audit.results.code_version IS
    'Version of evenscreen that computed it and checksum of the code that counts and judges';
COMMENT ON COLUMN audit_results.input_sha256 IS
    'SHA-256 over the figures and bounds that the verdicts rest on, comparable within one code_version';
COMMENT ON COLUMN audit.results.input_sha256 IS
    'SHA-256 over the figures and bounds that the verdicts rest on, comparable within one code_version';
