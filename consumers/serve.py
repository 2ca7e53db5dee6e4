"""The life of a worker between its start and its end: join the group, stay healthy, stop politely.

Three ends, each a decision:
- Asked to stop: the batch in hand is finished, acknowledged and committed, and the group is told, so that
  others take over at once. A batch that waits for the weather is left to them (`Acknowledger`).
- The broker is gone when the worker starts or when it commits: exit 75 at once. A worker that goes on without
  its broker would work on partitions that others have been given; a new one joins the group afresh. Between
  two commits an absent broker is waited for by the client itself, and nobody notices.
- Anything else that stops the client: exit 70.
Nothing is acknowledged on the way out in the last two, so whatever was in hand is delivered again.
"""

import asyncio
import threading

from aiokafka.errors import KafkaError
from faust.types import AppT

from evenscreen.consumers.acknowledge import EXIT_STOPPED, EXIT_UNHANDLED, Acknowledger, P, leave
from evenscreen.consumers.offsets import Offsets
from evenscreen.pipeline.health import Health
from evenscreen.pipeline.log import get_logger

EXIT_TRY_AGAIN = 75
LOOK_S = 0.1
COMMIT_S = 1.0
"""Between two commits: a commit is cheap, and repeats after a kill -9 are what came since the last one."""
STOP_S = 5.0
"""How long a stopping worker may take to commit and to leave its group."""


async def serve(
    app: AppT, worker: Acknowledger[P], offsets: Offsets, health: Health, stop: threading.Event
) -> None:
    """Run `app` until `stop` is set or it breaks; never returns, the process ends here."""
    try:
        await app.start()
    except (KafkaError, OSError) as problem:
        _broken(problem)
    health.ready(True)
    get_logger().info("worker ready", group=app.conf.id)
    committing = asyncio.create_task(_commit_now_and_then(offsets))
    while not stop.is_set():
        await asyncio.sleep(LOOK_S)
        if app.crashed:
            _broken(app.crash_reason)
        if committing.done():
            _broken(committing.exception())
        if not worker.busy:
            health.beat()
    health.ready(False)
    worker.stopping = True
    try:
        await worker.drain()
        await asyncio.wait_for(_say_goodbye(app, offsets), STOP_S)
    except TimeoutError:
        get_logger().warning("left without goodbye: the broker did not answer in time")
    get_logger().info("worker stopped")
    leave(EXIT_STOPPED)


async def _commit_now_and_then(offsets: Offsets) -> None:
    while True:
        await asyncio.sleep(COMMIT_S)
        await offsets.commit()


async def _say_goodbye(app: AppT, offsets: Offsets) -> None:
    await offsets.commit()
    await app.stop()


def _broken(problem: BaseException | None) -> None:
    cause = type(problem).__name__
    if isinstance(problem, (KafkaError, OSError)):
        get_logger().error("the broker does not answer: start this worker again", cause=cause)
        leave(EXIT_TRY_AGAIN)
    get_logger().error("the Kafka client broke", cause=cause)
    leave(EXIT_UNHANDLED)
