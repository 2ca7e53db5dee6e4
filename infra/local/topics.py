"""The topics exist and every partition has a leader."""

import socket
import time
from typing import TYPE_CHECKING, Any

from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterable


def ensure(
    settings: KafkaSettings, names: "Iterable[str]", *, partitions: int = 12, timeout_s: float = 30
) -> list[str]:
    """Create the topics of `names` that are missing; those that exist keep their partitions.

    Returns the names that were created, once every partition of every name has a leader in the broker's
    metadata: a round trip that only a working broker completes. The replication factor is the cluster's
    default. Raises `Transient` when the brokers do not answer, `Fatal` when they refuse.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    from evenscreen.producers.kafka import client_options

    wanted = list(names)
    _await_one(settings.brokers, timeout_s)
    try:
        timeout_ms = int(timeout_s * 1000)
        admin = KafkaAdminClient(
            **{
                **client_options(settings),
                "request_timeout_ms": timeout_ms,
                "bootstrap_timeout_ms": timeout_ms,
            }
        )
        try:
            existing = set(admin.list_topics())
            missing = [name for name in wanted if name not in existing]
            if missing:
                options = {"num_partitions": partitions, "replication_factor": -1}
                # Two commands may create the same topic at the same time: that is success, too.
                answer = admin.create_topics(dict.fromkeys(missing, options), raise_errors=False)
                _refuse(answer, allowed=TopicAlreadyExistsError.errno)
            admin.wait_for_topics(wanted, timeout_ms=timeout_ms)
            return missing
        finally:
            admin.close()
    except KafkaError as error:
        raise Transient("Kafka", type(error).__name__) from None


def _await_one(brokers: list[str], timeout_s: float) -> None:
    """Wait until one broker accepts a connection: kafka-python leaves refused sockets open."""
    deadline = time.monotonic() + timeout_s
    cause = "no broker is named"
    while True:
        for broker in brokers:
            host, _, port = broker.rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
                return
            except ValueError:
                raise Fatal(f"EVENSCREEN_KAFKA holds {broker!r}, which is not host:port.") from None
            except OSError as error:
                cause = type(error).__name__
        if time.monotonic() > deadline:
            raise Transient("Kafka", cause)
        time.sleep(0.05)


def _refuse(answer: dict[str, Any], *, allowed: int) -> None:
    refused = [topic for topic in answer["topics"] if topic["error_code"] not in (0, allowed)]
    if refused:
        raise Fatal(
            f"The brokers refused to create topic {refused[0]['name']} (Kafka error "
            f"{refused[0]['error_code']}): create it by hand or give this user the right to."
        )
