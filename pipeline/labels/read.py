"""From the bytes on the topic to reports, each once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from evenscreen.pipeline.dead_letter import Unreadable
from evenscreen.schemas.events import ImportAnnounced, LabelArrived


@dataclass(frozen=True)
class LabelBatch:
    """What the messages of a batch say, in their order, and those that say nothing we understand."""

    labels: list[LabelArrived] = field(default_factory=list)
    imports: list[ImportAnnounced] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def read_labels(topic: str, values: Sequence[bytes | None]) -> LabelBatch:
    """Decode the values of messages from `topic`; a message without a value is unreadable too."""
    batch = LabelBatch()
    for value in values:
        raw = value or b""
        try:
            batch.labels.append(LabelArrived.model_validate_json(raw))
        except ValidationError as error:
            if announced := _import(raw):
                batch.imports.append(announced)
                continue
            # Only our own fields are told: values may be personal, and so may the names of other fields.
            places = {_place(problem["loc"]) for problem in error.errors(include_input=False)}
            batch.unreadable.append(Unreadable(topic, raw, f"at {', '.join(sorted(places))}"))
    return batch


def _import(raw: bytes) -> ImportAnnounced | None:
    try:
        return ImportAnnounced.model_validate_json(raw)
    except ValidationError:
        return None


def _place(where: tuple[int | str, ...]) -> str:
    if not where:
        return "the whole"
    return str(where[0]) if where[0] in LabelArrived.model_fields else "unknown field"
