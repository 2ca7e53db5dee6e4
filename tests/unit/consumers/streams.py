"""A stream of events as Faust gives them, on a list, and what was acknowledged of it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    value: bytes | None


@dataclass(frozen=True)
class Event:
    message: Message


@dataclass
class FakeStream:
    """Yields the given batches, then ends; `story` is what was acknowledged, and what a test adds."""

    batches: Sequence[Sequence[bytes | None]]
    story: list[str] = field(default_factory=list)

    async def noack_take(self, batch: int, within: float) -> AsyncIterator[list[Event]]:
        del batch, within
        for values in self.batches:
            yield [Event(Message(value)) for value in values]

    def done(self, events: Iterable[Event]) -> None:
        """In the place of `Offsets`."""
        self.story += [f"ack {_text(event.message.value)}" for event in events]


def _text(value: bytes | None) -> str:
    return "nothing" if value is None else value.decode()
