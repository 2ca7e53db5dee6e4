"""The audit of one night, on record when it returns, and what is added up by day for those who ask by day."""

from datetime import datetime

from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.settled import settled
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import PATIENCE

INCREMENT = text("SELECT entries FROM audit.increment(:as_of)")
ROLL_UP = text("SELECT audit.roll_up()")


def night(engine: Engine, asked: Asked) -> Audit:
    """Run as often as one likes: one row per night. `asked` names the midnight as its `as_of`: what is added
    up until another moment the audit would have to count from rows.

    Raises as `answer` does.
    """
    add_up(engine, asked.as_of)
    with transaction(engine) as connection:
        connection.execute(PATIENCE)
        connection.execute(ROLL_UP)
    return answer(engine, asked)


def add_up(engine: Engine, as_of: datetime | None) -> int:
    """Adds what was known at `as_of`, a full hour, to the sums; returns how many entries that took, durable
    then.

    By day nobody has to: what is in no sum is counted from rows, which takes a question two seconds per
    100,000 images. Called every hour: a night finds no sums where its midnight was passed over.
    """
    moment = settled(engine, as_of)
    with transaction(engine) as connection:
        connection.execute(PATIENCE)
        return int(connection.execute(INCREMENT, {"as_of": moment}).scalar_one())
