"""The only producer. What it returns from is acknowledged by every in-sync replica."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kafka import KafkaProducer

from evenscreen.pipeline.telemetry import counter
from evenscreen.producers.kafka import KAFKA_ERRORS, TIMEOUT_MS, client_options, translated
from evenscreen.schemas import metrics, topics
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import ImageArrived, LabelArrived
from evenscreen.schemas.settings import KafkaSettings

LINGER_MS = 2
BATCH_BYTES = 65_536
DELIVERY_TIMEOUT_MS = TIMEOUT_MS + 2_000


@dataclass(frozen=True)
class Message:
    """One message to publish; messages of one `key` share a partition, in order."""

    topic: str
    key: bytes
    value: bytes = field(repr=False)
    partition: int | None = None
    """Where it must be; without it the key decides."""


def arrival(event: ImageArrived) -> Message:
    """The message that announces an image."""
    return Message(topics.IMAGES_ARRIVED, event.message_key, event.encoded())


def report(event: LabelArrived) -> Message:
    """The message that carries a report."""
    return Message(topics.LABELS_ARRIVED, event.message_key, event.encoded())


class Publisher:
    """Publishes in batches; connects at the first use, and anew after a failure. Not thread-safe.

    Idempotent with acks=all: the broker drops what the client's own retries repeat. A batch that a caller
    publishes again after `Transient` may still appear twice, which every consumer here must bear.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """Returns when Kafka has acknowledged every message.

        Raises `Transient` when any was not: some may have been, so publish all of them again. Raises `Fatal`
        when the brokers refuse this user, or a message as too large: no retry would help.
        """
        failure: Exception | None = None
        futures = []
        try:
            producer = self._connected()
            for message in messages:
                futures.append(
                    producer.send(
                        message.topic, key=message.key, value=message.value, partition=message.partition
                    )
                )
        except KAFKA_ERRORS as error:
            failure = error
        for future in futures:
            try:
                # Ends by itself: the client gives up on a batch after delivery_timeout_ms.
                future.get()
            except KAFKA_ERRORS as error:
                failure = failure or error
        if failure is not None:
            self.close()
            raise translated(failure) from None
        for topic, acknowledged in Counter(message.topic for message in messages).items():
            counter(metrics.PUBLISHED).labels(topic=topic).inc(acknowledged)

    def check(self, *names: str) -> None:
        """Returns when the brokers answer and know the topics `names`; else `Transient` or `Fatal`."""
        try:
            producer = self._connected()
            for name in names:
                producer.partitions_for(name)
        except KAFKA_ERRORS as error:
            self.close()
            raise translated(error) from None

    def partitions(self, name: str) -> list[int]:
        """The partitions of topic `name`, of which `publish` chooses; `Transient` or `Fatal` as `check`."""
        try:
            return sorted(self._connected().partitions_for(name))
        except KAFKA_ERRORS as error:
            self.close()
            raise translated(error) from None

    def close(self) -> None:
        """Lets go of the connections. Nothing is pending: `publish` waits for every future."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=1)
            except KAFKA_ERRORS as error:
                if isinstance(problem := translated(error), Fatal):
                    raise problem from None

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(
                **client_options(self._settings),
                enable_idempotence=True,
                acks="all",
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                max_block_ms=TIMEOUT_MS,
                allow_auto_create_topics=False,
            )
        return self._producer
