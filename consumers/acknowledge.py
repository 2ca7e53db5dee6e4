"""Take, work, acknowledge, exit: once, for every worker. This is why nothing is lost.

Step 1  take     a micro-batch of events (`noack_take`)
Step 2  prepare  in a thread, while the batch before is still being finished
Step 3  finish   in a thread, one batch after the other; durable when it returns
Step 4  ack      note that the batch is done; its offsets are committed within a second (`Offsets`)

Faust commits nothing by itself: it would commit what was not done, when an error leaves an agent (upstream
issues 606, 596, 527) and when a worker stops. An error that reaches this file ends the process at once, and
Kafka delivers the batch again. Bad weather never reaches this file: it is ridden out inside the work. On
SIGTERM the batch in hand is finished, acknowledged and committed, unless it waits for the weather: then the
process leaves at once, and the batch is delivered again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NoReturn, TypeVar

from faust.types import EventT, StreamT

from evenscreen.consumers.offsets import Offsets
from evenscreen.pipeline.health import Health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Stopped
from evenscreen.schemas.errors import Fatal, Tripped

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")

EXIT_STOPPED = 0
EXIT_TRIPPED = 69
EXIT_UNHANDLED = 70
EXIT_FATAL = 78


def leave(code: int) -> NoReturn:
    """End the process now: no `finally`, no exit handler, no commit."""
    os._exit(code)


class Acknowledger(Generic[P]):
    """Runs `prepare` and `finish` over a stream; `finish` must make the batch durable before it returns."""

    def __init__(
        self,
        *,
        prepare: Callable[[Sequence[bytes | None]], P],
        finish: Callable[[P], None],
        offsets: Offsets,
        health: Health,
        batch: int,
        within_s: float,
    ) -> None:
        self._prepare = prepare
        self._finish = finish
        self._offsets = offsets
        self._health = health
        self._batch = batch
        self._within_s = within_s
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._finishing = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._last: asyncio.Task[None] | None = None
        self.stopping = False

    @property
    def busy(self) -> bool:
        """Whether a batch is in hand."""
        return self._last is not None and not self._last.done()

    async def run(self, stream: StreamT[bytes]) -> None:
        """Work off `stream` until the worker stops; an error ends the process, it never leaves the agent."""
        try:
            await self._work_off(stream)
        except Exception:  # noqa: BLE001 - the agent would be started anew, past what was not done
            get_logger().error("unhandled error", exc_info=True)
            leave(EXIT_UNHANDLED)

    async def _work_off(self, stream: StreamT[bytes]) -> None:
        async for events in self._taken(stream):
            if self.stopping:
                return
            self._health.beat()
            prepared = asyncio.ensure_future(
                self._in(self._preparing, self._prepare, [_value(e) for e in events])
            )
            await self.drain()
            if self.stopping:
                return  # others take it from here
            self._last = asyncio.create_task(self._see_through(events, prepared))

    async def drain(self) -> None:
        """Return when no batch is in hand."""
        if self._last is not None:
            await asyncio.shield(self._last)

    async def _see_through(self, events: Sequence[EventT[bytes]], prepared: Awaitable[P]) -> None:
        try:
            await self._in(self._finishing, self._finish, await prepared)
            self._offsets.done(events)
            self._health.beat()
        except Stopped:
            get_logger().info("left in bad weather; unacknowledged events will be delivered again")
            leave(EXIT_STOPPED)
        except Tripped as tripped:
            get_logger().error("breaker open", sentence=str(tripped))
            leave(EXIT_TRIPPED)
        except Fatal as fatal:
            get_logger().error("stopped", sentence=str(fatal))
            leave(EXIT_FATAL)
        except BaseException:  # noqa: BLE001 - whatever it is, the batch must come again
            get_logger().error("unhandled error", exc_info=True)
            leave(EXIT_UNHANDLED)

    def _taken(self, stream: StreamT[bytes]) -> AsyncIterator[Sequence[EventT[bytes]]]:
        return stream.noack_take(self._batch, within=self._within_s)  # type: ignore[attr-defined,no-any-return]

    @staticmethod
    async def _in(pool: ThreadPoolExecutor, work: Callable[[A], R], argument: A) -> R:
        return await asyncio.get_running_loop().run_in_executor(pool, work, argument)


def _value(event: EventT[bytes]) -> bytes | None:
    return event.message.value
