"""What the doors' tests share: readers of Kafka, doors that run in a thread, objects that a test names."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.health import Health
from evenscreen.producers.duty import Duty
from evenscreen.producers.kafka import client_options
from evenscreen.schemas import topics
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.settings import KafkaSettings

PATIENCE_S = 60


class Arrivals:
    """Everything published to `images.arrived` since this reader was made, for one bucket."""

    def __init__(self, kafka: str, bucket: str) -> None:
        self._bucket = bucket
        self._consumer = KafkaConsumer(**client_options(KafkaSettings(kafka=kafka)), enable_auto_commit=False)
        partitions = self._consumer.partitions_for_topic(topics.IMAGES_ARRIVED)
        assert partitions
        assigned = [TopicPartition(topics.IMAGES_ARRIVED, number) for number in partitions]
        self._consumer.assign(assigned)
        self._consumer.seek_to_end(*assigned)
        for partition in assigned:
            self._consumer.position(partition)
        self.seen: list[ImageArrived] = []

    def until(self, count: int) -> list[ImageArrived]:
        """Waits for at least `count` events, and then for silence, so that one too many is seen."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            more = self._polled(500)
            if not more and len(self.seen) >= count:
                return self.seen
        raise AssertionError(f"{len(self.seen)} of {count} events within {PATIENCE_S} s")

    def _polled(self, timeout_ms: int) -> int:
        polled = self._consumer.poll(timeout_ms=timeout_ms)
        events = [ImageArrived.model_validate_json(one.value) for part in polled.values() for one in part]
        mine = [event for event in events if event.bucket == self._bucket]
        self.seen += mine
        return len(mine)

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def arrivals(stack: Reach) -> Iterator[Callable[[str], Arrivals]]:
    """`arrivals(bucket)` reads what is announced for that bucket from now on."""
    made: list[Arrivals] = []

    def make(bucket: str) -> Arrivals:
        made.append(Arrivals(stack.kafka, bucket))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture
def make_duty() -> Callable[[], Duty]:
    """Duties without signals: set `stop` to end them."""
    return lambda: Duty(threading.Event(), Health("test"), retry_cap_s=0.5)


@contextmanager
def _in_background(run: Callable[[], Any], duty: Duty) -> Iterator[list[BaseException]]:
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - handed to the test, whatever it is
            raised.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield raised
    finally:
        duty.stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the door did not stop"


@pytest.fixture
def in_background() -> Callable[..., Any]:
    """`with in_background(door.run, duty) as raised:` runs a door beside the test and stops it at the end."""
    return _in_background


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Waits for a condition, not for a time."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)

    return wait
