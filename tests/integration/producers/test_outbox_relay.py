"""What the outbox holds is published, however many relays run and wherever one dies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer
from sqlalchemy import Engine, text

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.producers.kafka import client_options
from evenscreen.producers.outbox_relay import relay_outbox, run_outbox_relay
from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.settings import KafkaSettings, OutboxSettings


@pytest.fixture
def owner(fresh_database: Reach) -> Iterator[Engine]:
    engine = open_database(fresh_database.database_urls["owner"], application_name="test", pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def door(fresh_database: Reach) -> Iterator[Engine]:
    engine = open_database(fresh_database.database_urls["worker"], application_name="test", pool_size=2)
    yield engine
    engine.dispose()


def fill(owner: Engine, topic: str, count: int) -> None:
    with transaction(owner) as connection:
        connection.execute(
            text(
                "INSERT INTO outbox (screening_id, topic, payload) "
                "SELECT gen_random_uuid(), :topic, convert_to(n::text, 'UTF8') "
                "FROM generate_series(1, :count) n"
            ),
            {"topic": topic, "count": count},
        )


def unpublished(owner: Engine) -> int:
    with transaction(owner) as connection:
        return connection.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) or 0


def published(reach: Reach, topic: str) -> list[int]:
    consumer = KafkaConsumer(
        topic,
        **client_options(KafkaSettings(kafka=reach.kafka)),
        auto_offset_reset="earliest",
        consumer_timeout_ms=2_000,
    )
    try:
        return [int(message.value) for message in consumer]
    finally:
        consumer.close()


def test_two_relays_at_once_publish_every_message_once(
    owner: Engine,
    door: Engine,
    fresh_database: Reach,
    make_topic: Callable[..., str],
    make_duty: Any,
    in_background: Any,
    wait_until: Any,
) -> None:
    topic = make_topic("outbox", 3)
    fill(owner, topic, 3_000)
    settings = OutboxSettings(
        kafka=fresh_database.kafka,
        database_url=fresh_database.database_urls["worker"],
        outbox_batch=50,
        outbox_poll_s=0.05,
    )
    first, second = make_duty(), make_duty()

    def relay(duty: Any) -> Callable[[], None]:
        def run() -> None:
            with closing(Publisher(settings)) as publisher:
                run_outbox_relay(settings, door, publisher, duty)

        return run

    with in_background(relay(first), first) as raised, in_background(relay(second), second) as also_raised:
        wait_until(lambda: unpublished(owner) == 0)
    assert not raised
    assert not also_raised
    assert sorted(published(fresh_database, topic)) == list(range(1, 3_001))


def test_death_before_the_mark_publishes_again(
    owner: Engine, door: Engine, fresh_database: Reach, make_topic: Callable[..., str]
) -> None:
    topic = make_topic("outbox", 1)
    fill(owner, topic, 10)

    class Dies(Publisher):
        def publish(self, messages: Sequence[Message]) -> None:
            super().publish(messages)
            raise RuntimeError("killed between publish and commit")

    settings = KafkaSettings(kafka=fresh_database.kafka)
    with closing(Dies(settings)) as dies, pytest.raises(RuntimeError):
        relay_outbox(door, dies, 100)
    assert unpublished(owner) == 10
    with closing(Publisher(settings)) as publisher:
        assert relay_outbox(door, publisher, 100) == 10
        assert relay_outbox(door, publisher, 100) == 0
    assert published(fresh_database, topic) == [*range(1, 11), *range(1, 11)]


def test_message_is_keyed_by_its_screening(
    owner: Engine, door: Engine, fresh_database: Reach, make_topic: Callable[..., str]
) -> None:
    topic, id_ = make_topic("outbox", 1), uuid4()
    with transaction(owner) as connection:
        connection.execute(
            text("INSERT INTO outbox (screening_id, topic, payload) VALUES (:id, :topic, 'x')"),
            {"id": id_, "topic": topic},
        )
    with closing(Publisher(KafkaSettings(kafka=fresh_database.kafka))) as publisher:
        relay_outbox(door, publisher, 10)
    consumer = KafkaConsumer(
        topic,
        **client_options(KafkaSettings(kafka=fresh_database.kafka)),
        auto_offset_reset="earliest",
        consumer_timeout_ms=2_000,
    )
    (message,) = consumer
    consumer.close()
    assert message.key == id_.hex.encode()
