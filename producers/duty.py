"""What every long-running door has around its work: signals, health, weather."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas.settings import HealthSettings

T = TypeVar("T")

RETRY_CAP_S = 30.0


class Duty:
    """The stop signal, the health and the patience of one door."""

    def __init__(self, stop: threading.Event, health: Health, retry_cap_s: float = RETRY_CAP_S) -> None:
        self.stop = stop
        self.health = health
        self._weather = Weather(stop, retry_cap_s, told_by(health))

    def ride_out(self, work: Callable[[], T]) -> T:
        """The result of `work`, tried again while it raises `Transient`. Raises Stopped on a signal."""
        result = self._weather.ride_out(work)
        self.health.weather(None)
        return result


@contextmanager
def on_duty(name: str, settings: HealthSettings) -> Iterator[Duty]:
    """A duty that SIGTERM and SIGINT end: the batch in hand is finished, or left undone in bad weather.

    To be entered in the main thread. Whatever is not acknowledged is done again after the next start.
    """
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    duty = Duty(stop, serve_health(settings, name=name))
    try:
        yield duty
    except Stopped:
        get_logger().info("stopped in bad weather, nothing acknowledged", process=name)
    else:
        get_logger().info("stopped", process=name)
    finally:
        duty.health.ready(False)
        for number, handler in before.items():
            signal.signal(number, handler)
