"""The consumer group of the workers, seen from outside: what it has acknowledged, and who is in it."""

import hashlib
import time
from collections.abc import Callable, Container
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata
from pydantic import ValidationError

from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.topics import IMAGES_ARRIVED

COORDINATOR_S = 30.0
NO_COORDINATOR_YET = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
"""A broker that has never had a group makes what it needs for one when it is first asked."""


@dataclass
class Group:
    """Consumer group `name` on one topic, `images.arrived` unless another is named."""

    brokers: str
    name: str
    topic: str = IMAGES_ARRIVED
    start: dict[TopicPartition, int] = field(default_factory=dict)
    """Where the group began; messages below are none of its business."""

    def begin_at_end(self) -> None:
        """What other tests left on the topic is not for this group; a new topic has none."""
        self.start = self.ends()
        if any(self.start.values()):
            self.reset()

    def reset(self) -> None:
        """Everything again, from where the group began. Nobody may be in it."""
        offsets = {tp: OffsetAndMetadata(offset, "", -1) for tp, offset in self.start.items()}
        with self._admin() as admin:

            def alter() -> None:
                for refusal in admin.alter_group_offsets(self.name, offsets).values():
                    if refusal.errno:  # told partition by partition, never raised
                        raise refusal

            _coordinated(alter)

    def ends(self) -> dict[TopicPartition, int]:
        """The offset after the last message of every partition."""
        with closing(self._consumer()) as consumer:
            numbers = consumer.partitions_for_topic(self.topic)
            ends: dict[TopicPartition, int] = consumer.end_offsets(
                [TopicPartition(self.topic, number) for number in numbers]
            )
        return ends

    def committed(self) -> dict[TopicPartition, int]:
        """The next offset that the group would read after a crash of every worker."""
        with self._admin() as admin:
            answer = _coordinated(lambda: admin.list_group_offsets({self.name: None}))[self.name]
        return {tp: found.offset for tp, found in answer.items() if found.offset >= 0}

    def behind(self) -> int:
        """Messages that are not acknowledged."""
        committed = self.committed()
        return sum(end - committed.get(tp, self.start.get(tp, 0)) for tp, end in self.ends().items())

    def members(self) -> int:
        """How many workers the broker believes to be in the group."""
        with self._admin() as admin:
            return len(admin.describe_groups([self.name])[self.name]["members"])

    def values(self, until: dict[TopicPartition, int]) -> list[bytes]:
        """The values of all messages of this group below the offsets of `until`."""
        wanted = {tp: end for tp, end in until.items() if end > self.start.get(tp, 0)}
        found: list[bytes] = []
        with closing(self._consumer()) as consumer:
            consumer.assign(list(wanted))
            for tp in wanted:
                consumer.seek(tp, self.start.get(tp, 0))
            while any(consumer.position(tp) < end for tp, end in wanted.items()):
                for tp, messages in consumer.poll(500).items():
                    found += [m.value or b"" for m in messages if m.offset < wanted[tp]]
        return found

    def lost(self, committed: dict[TopicPartition, int], done: Container[UUID | str]) -> int:
        """How many messages below `committed` are not in `done`: image ids, or SHA-256 of no event."""
        return sum(_identity(value) not in done for value in self.values(committed))

    def _consumer(self) -> Any:
        return KafkaConsumer(bootstrap_servers=self.brokers)

    def _admin(self) -> Any:
        return closing(KafkaAdminClient(bootstrap_servers=self.brokers))


def _coordinated(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + COORDINATOR_S
    while True:
        try:
            return ask()
        except NO_COORDINATOR_YET:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _identity(value: bytes) -> UUID | str:
    try:
        return ImageArrived.model_validate_json(value).screening_id
    except ValidationError:
        return hashlib.sha256(value).hexdigest()
