"""The broker's side of a measurement: publish events, and wait until a group of workers has settled."""

import time
from collections.abc import Iterable

from kafka import KafkaAdminClient, KafkaProducer

from evenscreen.producers.publish import arrival
from evenscreen.schemas.events import ImageArrived

SETTLED_S = 60.0


class Announcer:
    """Publishes events and remembers the partition that each went to, by screening_id."""

    def __init__(self, brokers: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=brokers.split(","), linger_ms=2)
        self.partitions: dict[str, int] = {}

    def publish(self, events: Iterable[ImageArrived]) -> None:
        """Returns when the broker has acknowledged all of them."""
        sent = []
        for event in events:
            message = arrival(event)
            future = self._producer.send(message.topic, key=message.key, value=message.value)
            sent.append((str(event.screening_id), future))
        for screening_id, future in sent:
            self.partitions[screening_id] = future.get(timeout=30).partition

    def close(self) -> None:
        self._producer.close(timeout=2)


def wait_settled(brokers: str, group: str, workers: int) -> None:
    """Return once `group` has exactly `workers` members and each has its partitions."""
    admin = KafkaAdminClient(bootstrap_servers=brokers.split(","))
    try:
        deadline = time.monotonic() + SETTLED_S
        while time.monotonic() < deadline:
            found = admin.describe_groups([group])[group]
            if found["group_state"] == "Stable" and len(found["members"]) == workers:
                return
            time.sleep(0.1)
    finally:
        admin.close()
    raise RuntimeError(f"the group of {workers} workers did not settle within {SETTLED_S:.0f} s")
