"""Bad weather is ridden out in place: the caller keeps its partition, its batch and its patience."""

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from evenscreen.schemas.errors import Transient

T = TypeVar("T")

FIRST_PAUSE_S = 0.25
DOUBLINGS = 30  # keeps 2**n a number; the cap is reached long before


class Stopped(Exception):
    """The process was asked to end while it waited for better weather: nothing may be acknowledged."""


class Weather:
    """Capped exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS, 2015).

    `stop` ends every pause at once; `cap_s` is the longest pause; `on_retry` hears of each failure and the
    pause (seconds) that follows, before it begins. One instance serves any number of threads.
    """

    def __init__(
        self,
        stop: threading.Event,
        cap_s: float,
        on_retry: Callable[[Transient, float], None],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._stop = stop
        self._cap_s = cap_s
        self._on_retry = on_retry
        self._uniform = uniform

    def ride_out(self, work: Callable[[], T]) -> T:
        """The result of `work`, tried again for as long as it raises Transient; all else passes through.

        `work` is begun at least once, whatever `stop` says: an undisturbed batch is finished on the way out.
        Raises Stopped when `stop` is set before or during a pause.
        """
        failures = 0
        while True:
            try:
                return work()
            except Transient as error:
                longest_s = min(self._cap_s, FIRST_PAUSE_S * 2 ** min(failures, DOUBLINGS))
                pause_s = self._uniform(0.0, longest_s)
                self._on_retry(error, pause_s)
            failures += 1
            if self._stop.wait(pause_s):
                raise Stopped
