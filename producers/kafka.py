"""kafka-python's options for any client, and what its errors mean to us."""

import ssl
from typing import Any

from kafka.errors import (
    AuthorizationError,
    IllegalSaslStateError,
    InvalidTopicError,
    KafkaConfigurationError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings

TIMEOUT_MS = 8_000
"""Of one request: short, since every caller retries, and since a stopping process waits for it."""

REFUSALS = (
    AuthorizationError,
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
MISCONFIGURED = (FileNotFoundError, InvalidTopicError, KafkaConfigurationError, ValueError, ssl.SSLError)
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments to reach the brokers, for KafkaProducer, KafkaConsumer and KafkaAdminClient."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.brokers,
        "security_protocol": settings.kafka_security_protocol,
        "request_timeout_ms": TIMEOUT_MS,
        "bootstrap_timeout_ms": TIMEOUT_MS,
        "reconnect_backoff_max_ms": 1_000,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    if settings.kafka_ssl_cafile is not None:
        options["ssl_cafile"] = str(settings.kafka_ssl_cafile)
    return options


def translated(error: Exception) -> Fatal | Transient:
    """What a caller can do about an error of kafka-python; only class names leave this function."""
    name = type(error).__name__
    if isinstance(error, REFUSALS):
        return Fatal(f"Kafka refuses this user ({name}): check the EVENSCREEN_KAFKA_… settings and the ACLs.")
    if isinstance(error, TOO_LARGE):
        return Fatal(
            "Kafka refuses a message as too large: an event needs up to 16 KiB, so check max.message.bytes "
            "of the topic and message.max.bytes of the brokers."
        )
    if isinstance(error, MISCONFIGURED):
        return Fatal(f"Kafka cannot be used as configured ({name}): check the EVENSCREEN_KAFKA… settings.")
    return Transient("kafka", name)


KAFKA_ERRORS = (KafkaError, OSError, ValueError)
"""What kafka-python raises on purpose: its own, the network's, and ValueError for settings."""
