"""Whether all images of a window are in the figures: what every audit opens with."""

from datetime import datetime

from sqlalchemy import Connection

from evenscreen.pipeline.audit.result import Completeness
from evenscreen.pipeline.ledger import Ledger, ledger

GRACE_S = 300.0


def counted(connection: Connection, since: datetime, until: datetime) -> Completeness:
    """The ledger of images stored in the window `since` to `until`, and what it means."""
    return completeness(ledger(connection, grace_s=GRACE_S, since=since, until=until), until)


def completeness(found: Ledger, until: datetime) -> Completeness:
    """Incomplete where an image is missing, or where nobody has looked since `until` whether one is."""
    lacking = found.missing + found.in_flight
    if lacking:
        sentence = f"{lacking} of {found.known} images are not in the figures."
    elif found.listed_at is None:
        sentence = "A bucket was never listed to its end, so nobody knows what is missing."
    elif found.listed_at < until:
        sentence = "The last complete listing is older than the window, so nobody knows what is missing."
    else:
        return Completeness(
            ledger=found, complete=True, sentence=f"All {found.known} images are accounted for."
        )
    return Completeness(ledger=found, complete=False, sentence=sentence)
