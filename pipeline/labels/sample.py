"""Cases drawn at random for verification: the one remedy for outcomes that only flagged cases have."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

DRAW = text("""
SELECT screening_id, sampling_probability, population, drawn_at
FROM draw_verification_sample(:model_version, :since, :until, :seed, :size, :drawn_by)
""")


@dataclass(frozen=True)
class Sample:
    """What was drawn; `probability` is that of every case of the population, 0 when there is none."""

    screening_ids: list[UUID]
    probability: float
    population: int
    drawn_at: datetime | None


def draw_sample(
    connection: Connection,
    *,
    model_version: str,
    since: datetime,
    until: datetime,
    size: int,
    seed: int,
    drawn_by: str,
) -> Sample:
    """Draws up to `size` unflagged screened images of the window [since, until) that have no outcome.

    The draw is recorded with the caller's transaction. The same question gives the same draw ever after.
    """
    parameters = {
        "model_version": model_version,
        "since": since,
        "until": until,
        "seed": seed,
        "size": size,
        "drawn_by": drawn_by,
    }
    rows = connection.execute(DRAW, parameters).all()
    if not rows:
        return Sample([], 0.0, 0, None)
    first = rows[0]
    return Sample(
        [row.screening_id for row in rows], first.sampling_probability, first.population, first.drawn_at
    )
