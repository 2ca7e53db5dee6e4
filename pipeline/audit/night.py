"""The audit of one night, on record when it returns, and what is added up by day for those who ask by day."""

from datetime import datetime

from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.settled import settled
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import PATIENCE

INCREMENT = text("SELECT entries FROM audit.increment(:as_of)")
SUMS = INCREMENT, text("SELECT audit.roll_up()")
"""Until the very time that is asked for, or the audit would have to count the whole last day from rows. One
transaction each: the first waits for writers."""


def night(engine: Engine, asked: Asked) -> Audit:
    """Run as often as one likes: one row per night. `asked` names the midnight as its `as_of`.

    Raises as `answer` does.
    """
    settled(engine, asked.as_of)
    for sums in SUMS:
        with transaction(engine) as connection:
            connection.execute(PATIENCE)
            connection.execute(sums, {"as_of": asked.as_of})
    return answer(engine, asked)


def hour(engine: Engine, begins: datetime) -> int:
    """Adds what was known when the hour began to the sums; returns how many entries that took, durable then.

    Nobody has to: what is in no sum is counted from rows, which takes a question two seconds per 100,000
    images. Called every hour: a night finds no sums where its midnight was passed over.
    """
    settled(engine, begins)
    with transaction(engine) as connection:
        connection.execute(PATIENCE)
        return int(connection.execute(INCREMENT, {"as_of": begins}).scalar_one())
