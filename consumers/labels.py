"""The label worker: everything of `pipeline/labels/work.py`, fed from `labels.arrived`."""

import asyncio
import signal
import threading

from evenscreen.consumers.acknowledge import Acknowledger
from evenscreen.consumers.app import make_app
from evenscreen.consumers.offsets import Offsets
from evenscreen.consumers.serve import serve
from evenscreen.pipeline.database import check_schema, open_database
from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.labels.read import LabelBatch
from evenscreen.pipeline.labels.work import LabelWriter
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas.settings import LabelSettings
from evenscreen.schemas.topics import LABELS_ARRIVED

BUFFERED_BATCHES = 4
"""Prefetched: enough to keep busy, and what a rebalance redoes at most."""
WITHIN_S = 0.2
"""How long a lone report may wait for company: nobody waits for it within seconds."""


def run_labels(settings: LabelSettings) -> None:
    """Record reports until SIGTERM or SIGINT; raises `Fatal` when it cannot start.

    Returns only when it was stopped before it had started; otherwise the process ends in `serve`.
    """
    stop = threading.Event()
    health = serve_health(settings, "labels")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    weather = Weather(stop, settings.retry_cap_s, told_by(health))
    engine = open_database(settings.database_url, application_name="evenscreen labels", pool_size=1)
    try:
        weather.ride_out(lambda: check_schema(engine))
    except Stopped:
        get_logger().info("stopped in bad weather before the start")
        return
    health.weather(None)
    asyncio.run(_serve(settings, LabelWriter(engine, weather), health, stop))


async def _serve(settings: LabelSettings, writer: LabelWriter, health: Health, stop: threading.Event) -> None:
    app = make_app(
        settings,
        settings.label_group,
        session_timeout_s=settings.session_timeout_s,
        buffered=BUFFERED_BATCHES * settings.batch_labels,
    )

    def finish(batch: LabelBatch) -> None:
        writer.finish(batch)
        health.weather(None)

    offsets = Offsets(app)
    worker = Acknowledger(
        prepare=lambda values: writer.prepare(LABELS_ARRIVED, values),
        finish=finish,
        offsets=offsets,
        health=health,
        batch=settings.batch_labels,
        within_s=WITHIN_S,
    )
    topic = app.topic(
        LABELS_ARRIVED,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        acks=False,  # see offsets.py
    )
    app.agent(topic, name="labels", concurrency=1)(worker.run)
    await serve(app, worker, offsets, health, stop)
