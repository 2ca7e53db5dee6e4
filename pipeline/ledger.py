"""What is known to exist, and what became of it. `audit.ledger` counts it, and nothing else does.

known = listed ∪ arrived, by id      known = screened + rejected + superseded + in flight + missing

The function (migrations/sql/0008_ledger.sql) reads the views of schema `audit` with the rights of whoever
asks, so operators, auditors and `psql` alone get the same numbers.
"""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Connection, text

from evenscreen.schemas.errors import Fatal

# Counting may take longer than a screening transaction ever should, and sorts better in memory.
PATIENCE = text("""
SELECT set_config('statement_timeout', '30min', true), set_config('work_mem', '256MB', true)
""")

COUNT = text("SELECT * FROM audit.ledger(:since, :until, :grace_s, :bucket)")


class Ledger(BaseModel):
    """Images (object versions) of a window, counted once each, in one snapshot."""

    model_config = ConfigDict(frozen=True)

    known: int
    """Listed or arrived, without the young ones."""
    listed: int
    """Seen by the last complete walk of their bucket, or by a later one; with the young ones."""
    arrived: int
    """Announced by a door and read by a worker."""
    screened: int
    """With a terminal row `screened` under any model; an object that is deleted afterwards stays screened."""
    rejected: int
    """Without one, but with a terminal row `rejected`."""
    superseded: int
    """With no terminal row but `superseded`."""
    in_flight: int
    """Arrived, no terminal row yet."""
    missing: int
    """Listed, never arrived, older than the grace."""
    young: int
    """Listed, never arrived, younger than the grace: not known yet, since the doors still have their time."""
    listed_at: AwareDatetime | None
    """Start of the last complete walk (the oldest of them, of several buckets): what stood then is listed.
    None when a bucket was never walked to its end."""


def ledger(
    connection: Connection,
    *,
    grace_s: float,
    since: datetime | None = None,
    until: datetime | None = None,
    bucket: str | None = None,
) -> Ledger:
    """The ledger of all images, of one bucket, or of a half-open UTC window [since, until) on Last-Modified.

    Last-Modified is the walk's, else the terminal row's, else the arrival's. One statement, so one snapshot.
    Raises Fatal when the numbers do not add up: then they are not to be trusted, and the function is wrong.
    """
    connection.execute(PATIENCE)
    parameters = {"grace_s": grace_s, "since": since, "until": until, "bucket": bucket}
    counted = Ledger.model_validate(dict(connection.execute(COUNT, parameters).mappings().one()))
    check_arithmetic(counted)
    return counted


def check_arithmetic(counted: Ledger) -> None:
    """Raises Fatal unless every known image is in exactly one state and known is the union of its sources."""
    ended = counted.screened + counted.rejected + counted.superseded
    states = ended + counted.in_flight + counted.missing
    union = counted.arrived + counted.missing  # what is known and did not arrive is missing
    if not counted.known == states == union or counted.listed < counted.missing + counted.young:
        raise Fatal(
            f"The ledger does not add up: {counted.known} known, {states} by state, {union} by source. "
            "This is a defect worth reporting."
        )
