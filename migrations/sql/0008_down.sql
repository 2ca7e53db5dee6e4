-- Back to the revision before.

DROP FUNCTION audit.ledger(timestamptz, timestamptz, double precision, text);
