"""The label worker: everything of `pipeline/labels/work.py`, fed from `labels.arrived`."""

import asyncio
import signal
import threading

from evenscreen.consumers.work import work_off
from evenscreen.pipeline.database import check_schema, open_database
from evenscreen.pipeline.health import serve_health
from evenscreen.pipeline.labels.work import LabelWriter
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas.settings import LabelSettings
from evenscreen.schemas.topics import LABELS_ARRIVED

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
    writer = LabelWriter(engine, weather, health.beat)
    asyncio.run(
        work_off(
            settings,
            name="labels",
            topic=LABELS_ARRIVED,
            group=settings.label_group,
            session_timeout_s=settings.session_timeout_s,
            prepare=lambda values: writer.prepare(LABELS_ARRIVED, values),
            finish=writer.finish,
            batch=settings.batch_labels,
            within_s=WITHIN_S,
            health=health,
            stop=stop,
        )
    )
