"""From bucket notifications to `images.arrived`: the door of every S3 server.

Each batch of messages takes these steps; a crash between any two repeats the batch and loses nothing:

1. normalise every message,
2. ask the store about objects whose ETag the notification does not say,
3. publish the arrivals, each acknowledged,
4. dead-letter what cannot be read, in one transaction,
5. commit the offsets.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata
from sqlalchemy import Engine

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.dead_letter import Unreadable, bury
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.telemetry import counter
from evenscreen.producers.announce import Announcer
from evenscreen.producers.dialects import Dialect
from evenscreen.producers.duty import Duty
from evenscreen.producers.kafka import KAFKA_ERRORS, client_options, translated
from evenscreen.producers.publish import Publisher, arrival
from evenscreen.schemas import metrics
from evenscreen.schemas.settings import RelaySettings

BATCH_MESSAGES = 500
POLL_MS = 250
MAX_POLL_INTERVAL_MS = 300_000
"""A rebalance waits this long for a member that rides out bad weather; then others take its partitions."""


LOST = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
"""The group has a new generation, or is about to: this member's commit does not count any more."""


class NotificationRelay:
    """Relays for as long as its duty lasts. Offsets are committed after the effects, never before."""

    def __init__(
        self,
        settings: RelaySettings,
        stores: Mapping[str, Store],
        engine: Engine,
        publisher: Publisher,
        duty: Duty,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._publisher = publisher
        self._duty = duty
        forced = None if settings.dialect == "auto" else Dialect(settings.dialect)
        self._announcer = Announcer(stores, forced)

    def run(self) -> None:
        """Until the duty ends. Raises `Fatal`, or anything unforeseen, with the batch in hand uncommitted."""
        consumer = self._duty.ride_out(self._consumer)
        try:
            self._duty.health.ready(True)
            while not self._duty.stop.is_set():
                self._duty.health.beat()
                batch = self._polled(consumer)
                if batch:
                    self._relay(batch)
                    self._commit(consumer, batch)
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)

    def _consumer(self) -> KafkaConsumer:
        # Every KafkaConsumer that cannot reach the brokers leaves a thread behind; a producer does not.
        self._publisher.check(self._settings.raw_topic)
        try:
            return KafkaConsumer(
                self._settings.raw_topic,
                **client_options(self._settings),
                group_id=self._settings.relay_group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=int(self._settings.session_timeout_s * 1000),
                heartbeat_interval_ms=int(self._settings.session_timeout_s * 1000 / 3),
                max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
                max_poll_records=BATCH_MESSAGES,
                allow_auto_create_topics=False,
            )
        except KAFKA_ERRORS as error:
            raise translated(error) from None

    def _polled(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        def poll() -> dict[TopicPartition, list[Any]]:
            try:
                polled: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=POLL_MS)
            except KAFKA_ERRORS as error:
                raise translated(error) from None
            return polled

        return self._duty.ride_out(poll)

    def _relay(self, batch: Mapping[TopicPartition, Sequence[Any]]) -> None:
        messages = [message for part in batch.values() for message in part]
        # Steps 1 and 2. Only the store can be bad weather here, and asking again is harmless.
        said = [
            self._duty.ride_out(lambda raw=raw, at=at: self._announcer.read(raw, at))  # type: ignore[misc]
            for raw, at in ((message.value or b"", received_at(message)) for message in messages)
        ]
        # Step 3.
        arrivals = [arrival(event) for one in said for event in one.events]
        if arrivals:
            self._duty.ride_out(lambda: self._publisher.publish(arrivals))
        # Step 4.
        unreadable = [
            Unreadable(message.topic, message.value or b"", one.unreadable)
            for message, one in zip(messages, said, strict=True)
            if one.unreadable
        ]
        if unreadable:
            self._duty.ride_out(lambda: self._dead_letter(unreadable))
        fates = sum((one.fates for one in said), Counter[tuple[str, str]]())
        for (dialect, fate), records in fates.items():
            counter(metrics.NOTIFICATIONS).labels(dialect=dialect, fate=fate).inc(records)
        get_logger().info(
            "notifications relayed",
            messages=len(messages),
            published=len(arrivals),
            unreadable=len(unreadable),
            ignored=sum(
                count for (_, fate), count in fates.items() if fate not in ("published", "unreadable")
            ),
        )

    def _dead_letter(self, unreadable: Sequence[Unreadable]) -> None:
        with transaction(self._engine) as connection:
            bury(connection, unreadable)

    def _commit(self, consumer: KafkaConsumer, batch: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Step 5. A group that went on without this member does the batch again: that is no failure."""
        offsets = {
            partition: OffsetAndMetadata(messages[-1].offset + 1, "", -1)
            for partition, messages in batch.items()
        }

        def commit() -> None:
            try:
                consumer.commit(offsets)
            except LOST:
                # Only the next poll joins the group again: trying the same commit again would never end.
                get_logger().warning("the group went on before the commit: the batch is repeated")
            except KAFKA_ERRORS as error:
                raise translated(error) from None

        self._duty.ride_out(commit)


def received_at(message: Any) -> datetime:
    """When the broker or the S3 server stamped the message."""
    now = datetime.now(UTC)
    # A stamp from the future, or of no calendar, is a producer's mistake: brokers may be told to take any.
    if 0 < (message.timestamp or 0) < now.timestamp() * 1000:
        return datetime.fromtimestamp(message.timestamp / 1000, UTC)
    return now
