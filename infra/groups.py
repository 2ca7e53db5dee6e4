"""Consumer groups as an operator sees them: lag, rate and time to empty."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError

from evenscreen.producers.kafka import KAFKA_ERRORS, translated


@dataclass(frozen=True)
class GroupProgress:
    """Processes at work, messages behind, messages per second, seconds until none is left at that rate."""

    topic: str
    members: int
    lag: int
    rate_per_s: float
    time_to_empty_s: float | None
    """None when messages wait and nothing moves."""


def group_progress(
    options: Mapping[str, object], groups: Mapping[str, str], sample_s: float
) -> dict[str, GroupProgress]:
    """Progress of each group (name → its topic), from its committed offsets at both ends of `sample_s`.

    `options` are kafka-python client options. A group that has never committed is behind by the whole
    topic. Raises `Transient` when the brokers do not answer.
    """
    try:
        admin = KafkaAdminClient(**options)
        consumer = KafkaConsumer(**options)
        try:
            before = {name: _committed(admin, name, topic) for name, topic in groups.items()}
            time.sleep(sample_s)
            return {
                name: _progress(admin, consumer, name, groups[name], before[name], sample_s)
                for name in groups
            }
        finally:
            consumer.close()
            admin.close()
    except KAFKA_ERRORS as error:
        raise translated(error) from None


def _committed(admin: KafkaAdminClient, group: str, topic: str) -> dict[TopicPartition, int]:
    try:
        found = admin.list_group_offsets({group: None}).get(group, {})
    except CoordinatorNotAvailableError:
        # A new cluster makes its topic of offsets when the first group comes: nobody has committed yet.
        return {}
    return {tp: offset.offset for tp, offset in found.items() if tp.topic == topic and offset.offset >= 0}


def _members(admin: KafkaAdminClient, group: str) -> int:
    try:
        return len(admin.describe_groups([group])[group]["members"])
    except CoordinatorNotAvailableError:
        return 0


def _progress(
    admin: KafkaAdminClient,
    consumer: KafkaConsumer,
    group: str,
    topic: str,
    before: Mapping[TopicPartition, int],
    sample_s: float,
) -> GroupProgress:
    after = _committed(admin, group, topic)
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    lag = sum(max(0, ends[tp] - max(after.get(tp, 0), begins[tp])) for tp in partitions)
    moved = sum(after[tp] - before.get(tp, begins.get(tp, 0)) for tp in after)
    rate = max(0.0, moved / sample_s)
    to_empty = 0.0 if lag == 0 else lag / rate if rate else None
    rounded = None if to_empty is None else round(to_empty, 1)
    return GroupProgress(topic, _members(admin, group), lag, round(rate, 2), rounded)
