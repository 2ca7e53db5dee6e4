"""The screening worker: everything of `pipeline/screen.py`, fed from `images.arrived`."""

import asyncio
import signal
import threading

from evenscreen.consumers.work import work_off
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.model import load_model
from evenscreen.pipeline.models import register
from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.pipeline.screen import Screener
from evenscreen.pipeline.store import open_stores
from evenscreen.pipeline.telemetry import gauge
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas import metrics
from evenscreen.schemas.settings import ScreeningSettings
from evenscreen.schemas.topics import IMAGES_ARRIVED


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
    get_logger().info("model loaded", model_version=screener.model.version)
    asyncio.run(
        work_off(
            settings,
            name="screening",
            topic=IMAGES_ARRIVED,
            group=settings.group,
            session_timeout_s=settings.session_timeout_s,
            prepare=lambda values: screener.prepare(IMAGES_ARRIVED, values),
            finish=screener.finish,
            batch=settings.batch_images,
            within_s=settings.poll_s,
            health=health,
            stop=stop,
        )
    )


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
