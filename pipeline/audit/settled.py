"""A moment of which everything is known: what was written before it can be seen by whoever looks now."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal, Transient

PATIENCE_S = 300.0
"""A large file of outcomes begins to count in a transaction of a minute or more."""
POLL_S = 0.02
TENTH = timedelta(milliseconds=100)
CLOCK = text("SELECT clock_timestamp()")
WRITERS = text("""
SELECT DISTINCT l.virtualtransaction
FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.locktype = 'relation'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock')
    AND c.relnamespace = 'public'::regnamespace AND c.relname IN (
        'arrivals', 'audit_records', 'ground_truth', 'label_imports', 'skin_type_reports',
        'verification_draws', 'verification_samples'
    )
""")
"""Of tables whose rows bear the time at which they became known. A statement asks for its lock before it
looks at the clock, and keeps it until its rows can be seen: who is not listed has nothing to add. Every role
may read pg_locks; when a transaction of another role began it may not know."""


def settled(engine: Engine, as_of: datetime | None, patience_s: float = PATIENCE_S) -> datetime:
    """`as_of`, or the end of the present tenth of a second, once nothing open can add what was known then.

    A round number, because a person may name it again. Usually returns at its end. Raises Fatal when `as_of`
    lies in the future, and Transient when a transaction stays open for `patience_s`.
    """
    with transaction(engine) as connection:
        now: datetime = connection.execute(CLOCK).scalar_one()
        if as_of is None:
            as_of = now.astimezone(UTC)
            as_of += TENTH - timedelta(microseconds=as_of.microsecond) % TENTH
            while (now := connection.execute(CLOCK).scalar_one()) < as_of:
                time.sleep((as_of - now).total_seconds())
        if as_of > now:
            raise Fatal("--as-of lies in the future: nobody knows yet what will be known then.")
        _wait_for_writers(connection, patience_s)
    return as_of


def _wait_for_writers(connection: Connection, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    begun = set(connection.execute(WRITERS).scalars())
    while begun:
        if time.monotonic() > deadline:
            raise Transient("database", "a transaction that writes does not end")
        time.sleep(POLL_S)
        begun &= set(connection.execute(WRITERS).scalars())
