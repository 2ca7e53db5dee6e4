"""Take, prepare, finish, acknowledge: the order is the promise."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

import pytest

from evenscreen.consumers import acknowledge
from evenscreen.consumers.acknowledge import Acknowledger
from evenscreen.pipeline.health import Health
from evenscreen.pipeline.retry import Stopped
from evenscreen.schemas.errors import Fatal, Tripped

from .streams import FakeStream

Values = Sequence[bytes | None]
PATIENCE_S = 30


class Left(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int) -> NoReturn:
        codes.append(code)
        raise Left

    monkeypatch.setattr(acknowledge, "leave", leave)
    return codes


def acknowledger(
    stream: FakeStream, prepare: Callable[[Values], Values], finish: Callable[[Values], None]
) -> Acknowledger[Values]:
    return Acknowledger(
        prepare=prepare,
        finish=finish,
        offsets=stream,  # type: ignore[arg-type]
        health=Health("test"),
        batch=8,
        within_s=0.01,
    )


def work_off(
    stream: FakeStream,
    *,
    prepare: Callable[[Values], Values] = lambda values: values,
    finish: Callable[[Values], None] = lambda _values: None,
) -> None:
    async def run() -> None:
        worker = acknowledger(stream, prepare, finish)
        await worker.run(stream)  # type: ignore[arg-type]
        await worker.drain()

    asyncio.run(run())


def test_a_batch_is_acknowledged_in_order_and_only_after_it_was_finished() -> None:
    stream = FakeStream([[b"1", None], [b"3"]])
    work_off(stream, finish=lambda values: stream.story.append(f"finish {len(values)}"))
    assert stream.story == ["finish 2", "ack 1", "ack nothing", "finish 1", "ack 3"]


def test_no_batch_is_finished_before_the_one_before_was_acknowledged() -> None:
    stream = FakeStream([[b"1"], [b"2"], [b"3"]])
    work_off(stream, finish=lambda values: stream.story.append(f"finish {values[0]!r}"))
    assert stream.story == [
        word for n in "123" for word in (f"finish {n.encode()!r}", f"ack {n}")
    ]  # never finish 2 before ack 1


def test_the_next_batch_is_prepared_while_the_one_before_is_finished() -> None:
    second_prepared = threading.Event()

    def prepare(values: Values) -> Values:
        if values == [b"2"]:
            second_prepared.set()
        return values

    def finish(values: Values) -> None:
        if values == [b"1"]:
            assert second_prepared.wait(PATIENCE_S), "prepare waited for finish"

    stream = FakeStream([[b"1"], [b"2"]])
    work_off(stream, prepare=prepare, finish=finish)
    assert stream.story == ["ack 1", "ack 2"]


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Stopped(), 0),
        (Tripped(101, 120, 600), 69),
        (RuntimeError("a defect"), 70),
        (KeyError("patient"), 70),
        (Fatal("The disk is full."), 78),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("step", ["prepare", "finish"])
def test_an_error_in_any_step_ends_the_process_before_anything_is_acknowledged(
    left: list[int], problem: Exception, code: int, step: str
) -> None:
    def fail(_values: Values) -> NoReturn:
        raise problem

    stream = FakeStream([[b"1"]])
    with pytest.raises(Left):
        work_off(stream, **{step: fail})  # type: ignore[arg-type]
    assert left == [code]
    assert stream.story == []


def test_an_error_of_the_stream_itself_never_leaves_the_agent(left: list[int]) -> None:
    class Broken(FakeStream):
        def noack_take(self, *_: object, **__: object) -> NoReturn:  # type: ignore[override]
            raise RuntimeError("Take buffer found current_event is None")

    with pytest.raises(Left):
        work_off(Broken([]))
    assert left == [70]


def test_a_stopping_worker_finishes_what_is_in_hand_and_leaves_the_rest() -> None:
    stream = FakeStream([[b"1"], [b"2"], [b"3"]])
    second_prepared = threading.Event()
    worker: Acknowledger[Values]

    def prepare(values: Values) -> Values:
        if values == [b"2"]:
            second_prepared.set()
        return values

    def finish(_values: Values) -> None:
        assert second_prepared.wait(PATIENCE_S)
        worker.stopping = True

    async def run() -> None:
        nonlocal worker
        worker = acknowledger(stream, prepare, finish)
        await worker.run(stream)  # type: ignore[arg-type]
        await worker.drain()
        assert not worker.busy

    asyncio.run(run())
    assert stream.story == ["ack 1"]
