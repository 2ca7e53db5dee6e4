"""What is committed: offsets after work that is done, in this generation of the group, and nothing else."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from faust.types import TP

from evenscreen.consumers.offsets import Offsets

A, B = TP("images", 0), TP("images", 1)


class Message(NamedTuple):
    tp: TP
    offset: int
    generation_id: int = 1


class Event(NamedTuple):
    message: Message


@dataclass
class App:
    """Faust's app and its consumer in one, as far as offsets are concerned."""

    consumer_generation_id: int = 1
    commits: list[dict[TP, int]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    @property
    def consumer(self) -> "App":
        return self

    async def _commit(self, offsets: dict[TP, int]) -> bool:
        await self.answers.wait()
        self.commits.append(offsets)
        return True


def events(*messages: Message) -> list[Event]:
    return [Event(message) for message in messages]


def commit(app: App, *batches: list[Event]) -> None:
    offsets = Offsets(app)  # type: ignore[arg-type]
    for batch in batches:
        offsets.done(batch)  # type: ignore[arg-type]
    asyncio.run(offsets.commit())


def test_the_offset_after_the_last_message_done_is_committed() -> None:
    app = App()
    commit(app, events(Message(A, 4), Message(B, 9)), events(Message(A, 5)))
    assert app.commits == [{A: 6, B: 10}]


def test_nothing_done_nothing_committed() -> None:
    app = App()
    commit(app)
    assert app.commits == []


def test_what_was_taken_before_a_rebalance_comes_again() -> None:
    app = App(consumer_generation_id=2)
    commit(app, events(Message(A, 4, 1), Message(B, 7, 1)), events(Message(B, 5, 2)))
    assert app.commits == [{B: 6}]


def test_a_second_commit_holds_what_is_new_and_waits_for_the_first() -> None:
    async def run() -> list[dict[TP, int]]:
        app = App()
        offsets = Offsets(app)  # type: ignore[arg-type]
        app.answers.clear()
        offsets.done(events(Message(A, 4)))  # type: ignore[arg-type]
        first = asyncio.create_task(offsets.commit())
        await asyncio.sleep(0)
        offsets.done(events(Message(A, 5)))  # type: ignore[arg-type]
        second = asyncio.create_task(offsets.commit())
        await asyncio.sleep(0)
        assert app.commits == []
        app.answers.set()
        await asyncio.gather(first, second)
        return app.commits

    assert asyncio.run(run()) == [{A: 5}, {A: 6}]
