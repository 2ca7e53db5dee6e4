"""The screening worker: everything of `pipeline/screen.py`, fed from `images.arrived`."""

import asyncio
import signal
import threading

from evenscreen.consumers.acknowledge import EXIT_UNHANDLED, Acknowledger, leave
from evenscreen.consumers.app import make_app
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.model import load_model
from evenscreen.pipeline.models import register
from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.retry import Weather
from evenscreen.pipeline.screen import Prepared, Screener
from evenscreen.pipeline.store import open_stores
from evenscreen.pipeline.telemetry import counter, gauge
from evenscreen.schemas import metrics
from evenscreen.schemas.errors import Transient
from evenscreen.schemas.settings import ScreeningSettings
from evenscreen.schemas.topics import IMAGES_ARRIVED

STOP_S = 5.0
"""How long a stopping worker may take to commit and to leave its group."""


def run_screening(settings: ScreeningSettings) -> None:
    """Screen until SIGTERM or SIGINT; raises `Fatal` when it cannot start. Never returns otherwise."""
    stop = threading.Event()
    health = serve_health(settings, "screening")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    screener = make_screener(settings, health, stop)
    asyncio.run(_serve(settings, screener, health, stop))


def make_screener(settings: ScreeningSettings, health: Health, stop: threading.Event) -> Screener:
    """Load and check every part, riding out bad weather; refuses a wrong schema, model or bucket."""
    weather = Weather(
        stop, settings.retry_cap_s, lambda problem, pause_s: _tell_weather(health, problem, pause_s)
    )
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
    gauge(metrics.MODEL_INFO).labels(model_version=model.version).set(1)
    return screener


async def _serve(
    settings: ScreeningSettings, screener: Screener, health: Health, stop: threading.Event
) -> None:
    app = make_app(
        settings,
        settings.group,
        session_timeout_s=settings.session_timeout_s,
        buffered=4 * settings.batch_images,
    )

    def finish(prepared: Prepared) -> None:
        screener.finish(prepared)
        health.weather(None)

    worker = Acknowledger(
        prepare=lambda values: screener.prepare(IMAGES_ARRIVED, values),
        finish=finish,
        health=health,
        batch=settings.batch_images,
        within_s=settings.poll_s,
    )
    topic = app.topic(
        IMAGES_ARRIVED, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    app.agent(topic, name="screening", concurrency=1)(worker.run)
    await app.start()
    health.ready(True)
    get_logger().info("worker ready", model_version=screener.model.version, group=settings.group)
    while not stop.is_set():
        await asyncio.sleep(0.1)
        if app.crashed:
            get_logger().error("the broker client stopped")
            leave(EXIT_UNHANDLED)
        if not worker.busy:
            health.beat()
    health.ready(False)
    worker.stopping = True
    try:
        await worker.drain()
        await asyncio.wait_for(app.stop(), STOP_S)
    except TimeoutError:
        get_logger().warning("left without goodbye: the broker did not answer in time")
    get_logger().info("worker stopped")
    leave(0)


def _tell_weather(health: Health, problem: Transient, pause_s: float) -> None:
    health.weather(problem.system)
    counter(metrics.RETRIES).labels(system=problem.system).inc()
    get_logger().warning("retrying", system=problem.system, cause=problem.cause, pause_s=round(pause_s, 2))
