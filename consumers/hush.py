"""The Kafka client complains sixty times a second while a broker is away; a line now and then says it."""

import logging
import time
from collections.abc import Callable

from evenscreen.pipeline.log import get_logger

EVERY_S = 10.0
LONGEST = 200


class Hush(logging.Handler):
    """Passes on one complaint per `every_s`, as a warning: the client heals itself or breaks (`serve.py`)."""

    def __init__(self, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.ERROR)
        self._every_s = every_s
        self._clock = clock
        self._next = clock()
        self._hushed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Called under the handler's lock, from any thread."""
        now = self._clock()
        if now < self._next:
            self._hushed += 1
            return
        # The template alone: what the client puts into it may quote a message.
        said = str(record.msg)[:LONGEST]
        get_logger().warning("the Kafka client complains", said=said, hushed=self._hushed)
        self._next, self._hushed = now + self._every_s, 0


def hush_kafka_client() -> None:
    """To be called once, before the client is made."""
    for name in ("aiokafka", "faust", "mode"):
        log = logging.getLogger(name)
        log.setLevel(logging.ERROR)
        log.handlers = [Hush()]
        log.propagate = False
