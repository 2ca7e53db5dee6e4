"""Bad weather for commands that a person or a timer started: wait a while, then say so."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.schemas.errors import Transient

T = TypeVar("T")

PATIENCE_S = 60.0
PAUSE_CAP_S = 5.0


class Patience:
    """Rides out weather of up to `limit_s` at a time; worse weather passes on as `Transient`."""

    def __init__(self, limit_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock

    def ride_out(self, work: Callable[[], T]) -> T:
        """The result of `work`, tried again for `limit_s`. Raises its last `Transient` after that."""
        began_s = self._clock()
        enough = threading.Event()
        failures: list[Transient] = []

        def note(error: Transient, _pause_s: float) -> None:
            failures[:] = [error]
            get_logger().warning("waiting for better weather", system=error.system, cause=error.cause)
            if self._clock() - began_s >= self._limit_s:
                enough.set()

        try:
            return Weather(enough, PAUSE_CAP_S, note).ride_out(work)
        except Stopped:
            raise failures[-1] from None
