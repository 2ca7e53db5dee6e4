"""No change of verdict is lost: what was told is on record, and what was not is told by the next run."""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from evenscreen.pipeline.audit.announce import Change, body, send, write_metric
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings.audits import AuditSettings

FIRST_PAUSE_S = 1.0
CHANGES = text("""
WITH told AS (
    SELECT as_of, conclusion FROM audit.announcements
    WHERE model_version = :model_version AND plan_version = :plan_version
    ORDER BY as_of DESC, announcement_id DESC
    LIMIT 1
),
nights AS (
    SELECT
        as_of, conclusion,
        lag(conclusion, 1, (SELECT conclusion FROM told)) OVER (ORDER BY as_of) AS before
    FROM audit.results
    WHERE model_version = :model_version AND plan_version = :plan_version AND kind = 'nightly'
        -- An auditor may look at any time; the verdicts that are told are those of midnights.
        AND as_of = date_trunc('day', as_of, 'UTC') AND as_of <= :as_of
        AND (as_of > (SELECT as_of FROM told) OR (as_of = :as_of AND NOT EXISTS (SELECT FROM told)))
)
SELECT as_of, conclusion, before FROM nights
WHERE conclusion IS DISTINCT FROM before
ORDER BY as_of
""")
TOLD = text("""
INSERT INTO audit_announcements (model_version, plan_version, as_of, conclusion)
VALUES (:model_version, :plan_version, :as_of, :conclusion)
""")


def announce(engine: Engine, found: Audit, settings: AuditSettings) -> list[str]:
    """Tell the webhook and the metrics file, where there are any; `found` is the audit of this midnight.

    Returns a sentence for each of them that failed: the verdict stands whoever hears of it.
    """
    problems: list[str] = []
    try:
        tell(engine, found, settings)
    except (Transient, Fatal) as problem:
        problems.append(f"a change of verdict may not have been told, the next run tries again: {problem}")
    untold = bool(problems)
    if settings.audit_metrics_file:
        try:
            write_metric(settings.audit_metrics_file, found, untold=untold)
        except Fatal as problem:
            problems.append(str(problem))
    return problems


def tell(
    engine: Engine, found: Audit, settings: AuditSettings, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Send every change up to `found` that the webhook, where there is one, has not taken, the oldest first.

    A change is on record as told after it was taken: at least once, with the same `as_of`. Raises Transient
    when nobody takes one for `audit_webhook_patience_s`: the next run goes on with that one.
    """
    url, secret = settings.audit_webhook, settings.audit_webhook_secret.get_secret_value()
    if url is None:
        return
    subject = found.subject
    with transaction(engine) as connection:
        changes = untold(connection, found)
    for change in changes:
        _send(url, secret, body(subject, change), settings.audit_webhook_patience_s, sleep)
        with transaction(engine) as connection:
            connection.execute(
                TOLD,
                subject.model_dump(include={"model_version", "plan_version"})
                | {"as_of": change.as_of, "conclusion": change.conclusion},
            )


def untold(connection: Connection, found: Audit) -> list[Change]:
    """Midnights up to that of `found` on which the conclusion changed since what was told last.

    Where nothing was ever told, history is not: the conclusion of `found` is the first.
    """
    asked = found.subject.model_dump(include={"model_version", "plan_version", "as_of"})
    return [Change(*row) for row in connection.execute(CHANGES, asked)]


def _send(url: str, secret: str, content: bytes, patience_s: float, sleep: Callable[[float], None]) -> None:
    pause_s, deadline = FIRST_PAUSE_S, time.monotonic() + patience_s
    while True:
        try:
            return send(url, secret, content)
        except Transient:
            if time.monotonic() + pause_s > deadline:
                raise
        sleep(pause_s)
        pause_s *= 2
