"""Whether all images of a window are in the figures: what every audit opens with."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.imports import unfinished
from evenscreen.pipeline.audit.result import Completeness, GroupDescription
from evenscreen.pipeline.ledger import Ledger, ledger

GRACE_S = 300.0
COUNTED_LATE = timedelta(days=1)
"""A night is audited within a day; whoever looks back further is told what the ledger cannot know."""
NOW = text("SELECT statement_timestamp()")


def counted(connection: Connection, since: datetime, until: datetime, as_of: datetime) -> Completeness:
    """The ledger of images stored in the window `since` to `until`, what it means, and imports that were not
    finished at `as_of`.
    """
    found = completeness(ledger(connection, grace_s=GRACE_S, since=since, until=until), until)
    return found.model_copy(update={"unfinished_imports": unfinished(connection, as_of)})


def completeness(found: Ledger, until: datetime) -> Completeness:
    """Incomplete where an image is missing, and where nobody has looked since `until` whether one is."""
    lacking = _lacking(found, until)
    sentence = lacking or f"All {found.known} images are accounted for."
    return Completeness(ledger=found, complete=lacking is None, sentence=sentence)


def _lacking(found: Ledger, until: datetime) -> str | None:
    lacking = found.missing + found.in_flight
    if lacking:
        return f"{lacking} of {found.known} images are not in the figures."
    if found.listed_at is None:
        return "A bucket was never listed to its end, so nobody knows what is missing."
    if found.listed_at < until:
        return "The last complete listing is older than the window, so nobody knows what is missing."
    return None


def now(connection: Connection) -> datetime:
    """The clock of the database, when it was asked."""
    moment: datetime = connection.execute(NOW).scalar_one()
    return moment


def qualified(
    found: Completeness, everybody: Sequence[GroupDescription], as_of: datetime, counted_at: datetime
) -> Completeness:
    """With what the ledger does not tell: how many images are this model's, and when it was counted."""
    own = sum(one.screened + one.rejected for one in everybody)
    ended = own + sum(one.superseded for one in everybody)
    sentence = found.sentence
    if ended < found.ledger.screened + found.ledger.rejected + found.ledger.superseded:
        sentence += f" This model had screened or rejected {own}: all figures are of these alone."
    if counted_at - as_of > COUNTED_LATE:
        sentence += (
            f" Counted at {counted_at:%Y-%m-%d %H:%M} UTC: what arrived or ended after "
            f"{as_of:%Y-%m-%d %H:%M} is counted here and is in no figure."
        )
    return found.model_copy(update={"sentence": sentence, "of_model": own, "counted_at": counted_at})
