"""What the producer returns from is on the broker; what it cannot do it says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from evenscreen.infra.local.reach import Reach
from evenscreen.producers import publish
from evenscreen.producers.kafka import client_options
from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings


def messages_on(stack: Reach, topic: str) -> int:
    consumer = KafkaConsumer(**client_options(KafkaSettings(kafka=stack.kafka)))
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return int(sum(consumer.end_offsets(partitions).values()))
    finally:
        consumer.close()


def test_every_message_is_there_on_return(stack: Reach, make_topic: Callable[..., str]) -> None:
    topic = make_topic("publish", 3)
    publisher = Publisher(KafkaSettings(kafka=stack.kafka))
    publisher.publish([Message(topic, uuid4().bytes, b"x" * 1000) for _ in range(5_000)])
    assert messages_on(stack, topic) == 5_000
    publisher.close()


def test_missing_topic_is_weather_and_nothing_is_created(
    stack: Reach, unique_name: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "TIMEOUT_MS", 500)
    name = unique_name("missing")
    publisher = Publisher(KafkaSettings(kafka=stack.kafka))
    with pytest.raises(Transient, match="kafka"):
        publisher.publish([Message(name, b"k", b"v")])
    with pytest.raises(Transient):
        publisher.check(name)
    publisher.check()
    publisher.close()


def test_too_large_a_message_stops_the_process(stack: Reach, make_topic: Callable[..., str]) -> None:
    topic = make_topic("large", 1)
    publisher = Publisher(KafkaSettings(kafka=stack.kafka))
    with pytest.raises(Fatal, match="too large"):
        publisher.publish([Message(topic, b"k", b"v"), Message(topic, b"k", b"x" * 2_000_000)])
    publisher.publish([Message(topic, b"k", b"v")])
    publisher.close()


DEAD_BROKER = """
from evenscreen.producers import kafka
from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.errors import Transient
from evenscreen.schemas.settings import KafkaSettings

kafka.TIMEOUT_MS = 500
publisher = Publisher(KafkaSettings(kafka="127.0.0.1:9"))
for attempt in (publisher.check, lambda: publisher.publish([Message("topic", b"k", b"v")])):
    try:
        attempt()
    except Transient as weather:
        print(weather)
"""


def test_dead_broker_is_weather(tmp_path: Path) -> None:
    """In a process of its own: kafka-python leaves the sockets of a failed start to the garbage collector."""
    done = subprocess.run(
        [sys.executable, "-c", DEAD_BROKER], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["kafka is unavailable (KafkaTimeoutError)"] * 2
