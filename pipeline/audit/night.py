"""The audit of one night: on record, then announced if its conclusion is a new one."""

from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.announce import body, send, write_metric
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.keep import conclusion_before
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import PATIENCE
from evenscreen.schemas.settings.audits import AuditSettings

SUMS = text("SELECT audit.increment()"), text("SELECT audit.roll_up()")
"""So that descriptive figures of any window stay a sum. One transaction each: the first waits for writers."""


def night(engine: Engine, asked: Asked, settings: AuditSettings) -> Audit:
    """Run as often as one likes: one row per night; a change is told again, with the same `as_of`.

    Raises Transient when the webhook does not take it: the audit is on record then, and the next run tells.
    """
    for sums in SUMS:
        with transaction(engine) as connection:
            connection.execute(PATIENCE)
            connection.execute(sums)
    found = answer(engine, asked)
    if settings.audit_metrics_file:
        write_metric(settings.audit_metrics_file, found)
    with transaction(engine) as connection:
        before = conclusion_before(connection, found)
    if settings.audit_webhook and before != found.conclusion:
        send(settings.audit_webhook, settings.audit_webhook_secret.get_secret_value(), body(found, before))
    return found
