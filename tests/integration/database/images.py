"""Images to fill a database with, and ways for them to end."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.decide import Decision
from evenscreen.pipeline.record import Terminal
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.metadata import ImageMetadata
from evenscreen.schemas.reasons import Door, Outcome, Reason

MODEL = "first-0123456789ab"
OTHER_MODEL = "second-ba9876543210"
LABELS = ("benign", "malignant")
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def image(number: int, **fields: Any) -> ImageArrived:
    given = {
        "bucket": "clinic",
        "key": f"Müller/{number}.jpg",
        "etag": f"{number:032x}",
        "last_modified": WHEN,
        "door": Door.NOTIFICATION,
    }
    return ImageArrived(**given | fields)


def in_order(number: int, **fields: Any) -> list[ImageArrived]:
    """That many images by rising id, the order in which rows are written."""
    return sorted((image(n, **fields) for n in range(number)), key=lambda event: event.screening_id)


def screened(event: ImageArrived, *, flagged: bool = False, **fields: Any) -> Terminal:
    score = 9000 if flagged else 100
    decision = Decision(score=score, probabilities=(1 - score / 10_000, score / 10_000), flagged=flagged)
    return terminal(event, Outcome.SCREENED, decision=decision, **fields)


def rejected(event: ImageArrived, reason: Reason = Reason.NOT_AN_IMAGE, **fields: Any) -> Terminal:
    return terminal(event, Outcome.REJECTED, reason=reason, **fields)


def superseded(event: ImageArrived, **fields: Any) -> Terminal:
    return terminal(event, Outcome.SUPERSEDED, **fields)


def terminal(event: ImageArrived, outcome: Outcome, **fields: Any) -> Terminal:
    given: dict[str, Any] = {
        "event": event,
        "raw": event.encoded(),
        "outcome": outcome,
        "reason": None,
        "detail": "",
        "metadata": ImageMetadata(),
        "metadata_problem": None,
        "pseudonym": None,
        "modality_intended": None,
        "last_modified": event.last_modified,
        "decision": None,
    }
    return Terminal(**given | fields)


def count(engine: Engine, table: str) -> int:
    with transaction(engine) as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
