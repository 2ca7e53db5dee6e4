"""Step 1 of a batch: from the bytes on the topic to events, each image once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from evenscreen.pipeline.record import Unreadable
from evenscreen.schemas.events import ImageArrived


@dataclass(frozen=True)
class Batch:
    """What a batch says: one event per image (a wish to rescreen before others), and the unreadable."""

    arrived: dict[UUID, tuple[ImageArrived, bytes]] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    messages: int = 0


def read(topic: str, values: Sequence[bytes | None]) -> Batch:
    """Decode the values of messages from `topic`; a message without a value is unreadable too."""
    batch = Batch(messages=len(values))
    for value in values:
        raw = value or b""
        try:
            event = ImageArrived.model_validate_json(raw)
        except ValidationError as error:
            # Only our own fields are told: values may be personal, and so may the names of other fields.
            places = {_place(problem["loc"]) for problem in error.errors(include_input=False)}
            batch.unreadable.append(Unreadable(topic, raw, f"at {', '.join(sorted(places))}"))
        else:
            known = batch.arrived.get(event.screening_id)
            if known is None or event.rescreen > known[0].rescreen:
                batch.arrived[event.screening_id] = (event, raw)
    return batch


def _place(where: tuple[int | str, ...]) -> str:
    field = where[0] if where else "json"
    return str(field) if field in ImageArrived.model_fields or not where else "unknown field"
