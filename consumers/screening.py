"""The screening worker: everything of `pipeline/screen.py`, fed from `images.arrived`."""

import asyncio
import signal
import threading

from evenscreen.consumers.acknowledge import Acknowledger
from evenscreen.consumers.app import make_app
from evenscreen.consumers.offsets import Offsets
from evenscreen.consumers.serve import serve
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.model import load_model
from evenscreen.pipeline.models import register
from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.pipeline.screen import Prepared, Screener
from evenscreen.pipeline.store import open_stores
from evenscreen.pipeline.telemetry import gauge
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas import metrics
from evenscreen.schemas.settings import ScreeningSettings
from evenscreen.schemas.topics import IMAGES_ARRIVED

BUFFERED_BATCHES = 4
"""Prefetched: enough to keep busy, and what a rebalance redoes at most."""


def run_screening(settings: ScreeningSettings) -> None:
    """Screen until SIGTERM or SIGINT; raises `Fatal` when it cannot start.

    Returns only when it was stopped before it had started; otherwise the process ends in `serve`.
    """
    stop = threading.Event()
    health = serve_health(settings, "screening")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        screener = make_screener(settings, health, stop)
    except Stopped:
        get_logger().info("stopped in bad weather before the start")
        return
    asyncio.run(_serve(settings, screener, health, stop))


def make_screener(settings: ScreeningSettings, health: Health, stop: threading.Event) -> Screener:
    """Load and check every part, riding out bad weather; refuses a wrong schema, model or bucket.

    Raises `Fatal`, `Tripped` while the breaker is open, and `Stopped`.
    """
    weather = Weather(stop, settings.retry_cap_s, told_by(health))
    model = load_model(settings.model, settings.inference_threads)
    engine = open_database(settings.database_url, application_name="evenscreen screening", pool_size=3)
    stores = open_stores(settings)
    key_file = settings.pseudonym_key_file
    pseudonymizer = Pseudonymizer.load(key_file, settings.pseudonym_key_number) if key_file else None
    screener = Screener(settings, model, engine, stores, weather, pseudonymizer)

    def check() -> None:
        check_schema(engine)
        with transaction(engine) as connection:
            register(connection, model.manifest)
        screener.check_breaker()
        for store in stores.values():
            store.check()

    weather.ride_out(check)
    health.weather(None)
    gauge(metrics.MODEL_INFO).labels(model_version=model.version).set(1)
    return screener


async def _serve(
    settings: ScreeningSettings, screener: Screener, health: Health, stop: threading.Event
) -> None:
    app = make_app(
        settings,
        settings.group,
        session_timeout_s=settings.session_timeout_s,
        buffered=BUFFERED_BATCHES * settings.batch_images,
    )

    def finish(prepared: Prepared) -> None:
        screener.finish(prepared)
        health.weather(None)

    offsets = Offsets(app)
    worker = Acknowledger(
        prepare=lambda values: screener.prepare(IMAGES_ARRIVED, values),
        finish=finish,
        offsets=offsets,
        health=health,
        batch=settings.batch_images,
        within_s=settings.poll_s,
    )
    topic = app.topic(
        IMAGES_ARRIVED,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        acks=False,  # see offsets.py
    )
    app.agent(topic, name="screening", concurrency=1)(worker.run)
    get_logger().info("model loaded", model_version=screener.model.version)
    await serve(app, worker, offsets, health, stop)
