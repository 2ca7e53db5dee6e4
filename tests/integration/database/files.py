"""A file of reports as it comes: what is announced around it, and its rows."""

from datetime import UTC, datetime, timedelta

from evenscreen.schemas.events import ImportAnnounced, LabelArrived
from evenscreen.schemas.labels import ImportStep

from .images import image
from .reports import BATCH, report

BEGUN, FINISHED, ABANDONED = ImportStep
REPORTS = 7
ALL = range(1, REPORTS + 1)
BEGAN_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARTITIONS = 3


def step(which: ImportStep, after: timedelta = timedelta(0), *, by: str = "Dr. Rot") -> list[ImportAnnounced]:
    """Its announcements in all partitions."""
    return [
        ImportAnnounced(
            step=which,
            batch_id=BATCH,
            reports=None if which is ABANDONED else REPORTS,
            announced_by=by,
            announced_at=BEGAN_AT + after,
            partition=partition,
            partitions=PARTITIONS,
        )
        for partition in range(PARTITIONS)
    ]


def of_file(*numbers: int) -> list[LabelArrived]:
    """Rows of a file: the outcome and the skin type of each image."""
    return [report(n % 2 == 0, fst=4, screening_id=image(n).screening_id, row=n) for n in numbers]
