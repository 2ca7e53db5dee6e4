-- Back to revision 0006.

DROP VIEW audit.announcements;
DROP TABLE audit_announcements;

COMMENT ON COLUMN audit_results.code_version IS 'Version of evenscreen that computed it';
COMMENT ON COLUMN audit.results.code_version IS 'Version of evenscreen that computed it';
COMMENT ON COLUMN audit_results.input_sha256 IS 'SHA-256 over the figures that the verdicts rest on';
COMMENT ON COLUMN audit.results.input_sha256 IS 'SHA-256 over the figures that the verdicts rest on';
