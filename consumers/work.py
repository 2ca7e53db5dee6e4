"""From a topic to a worker: the wiring on which the promise rests, once for every kind of worker."""

import threading
from collections.abc import Callable, Sequence

from evenscreen.consumers.acknowledge import Acknowledger, P
from evenscreen.consumers.app import make_app
from evenscreen.consumers.offsets import Offsets
from evenscreen.consumers.serve import serve
from evenscreen.pipeline.health import Health
from evenscreen.schemas.settings import KafkaSettings

BUFFERED_BATCHES = 4
"""Prefetched: enough to keep busy, and what a rebalance redoes at most."""


async def work_off(
    settings: KafkaSettings,
    *,
    name: str,
    topic: str,
    group: str,
    session_timeout_s: float,
    prepare: Callable[[Sequence[bytes | None]], P],
    finish: Callable[[P], object],
    batch: int,
    within_s: float,
    health: Health,
    stop: threading.Event,
) -> None:
    """Work off `topic` in consumer group `group` until `stop` is set; never returns, the process ends here.

    `prepare` and `finish` see batches of at most `batch` messages (see acknowledge.py); `finish` must make
    its batch durable before it returns.
    """
    app = make_app(settings, group, session_timeout_s=session_timeout_s, buffered=BUFFERED_BATCHES * batch)

    def finish_in_good_weather(prepared: P) -> None:
        finish(prepared)
        health.weather(None)

    offsets = Offsets(app)
    worker = Acknowledger(
        prepare=prepare,
        finish=finish_in_good_weather,
        offsets=offsets,
        health=health,
        batch=batch,
        within_s=within_s,
    )
    messages = app.topic(
        topic,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        acks=False,  # see offsets.py
    )
    app.agent(messages, name=name, concurrency=1)(worker.run)
    await serve(app, worker, offsets, health, stop)
