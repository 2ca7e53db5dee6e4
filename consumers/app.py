"""The Faust application of one worker: every setting that differs from the default has its reason."""

import ssl

import faust
from faust.types import AppT

from evenscreen.consumers.hush import hush_kafka_client
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import KafkaSettings

DAY_S = 86_400.0


def make_app(settings: KafkaSettings, group: str, *, session_timeout_s: float, buffered: int) -> AppT:
    """A Faust app in consumer group `group` that prefetches at most `buffered` messages."""
    hush_kafka_client()
    app: AppT = faust.App(
        group,
        broker=[f"kafka://{broker}" for broker in settings.brokers],
        broker_credentials=_credentials(settings),
        # A group that starts late must still see what came before it.
        consumer_auto_offset_reset="earliest",
        # After a kill -9 others take over when the session ends; the default is a minute.
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=min(3.0, session_timeout_s / 3),
        # A worker that rides out bad weather holds its partitions; heartbeats, not polls, say that it lives.
        broker_max_poll_interval=DAY_S,
        # What is prefetched is what a rebalance redoes.
        broker_max_poll_records=buffered,
        stream_buffer_maxsize=buffered,
        # What is not committed is delivered again: neither a rebalance nor a stop waits for it.
        stream_wait_empty=False,
        # No tables, no leader, no topics of its own, no web server: see health.py for the probes.
        store="memory://",
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_create=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    return app


def _credentials(settings: KafkaSettings) -> faust.SASLCredentials | faust.SSLCredentials | None:
    protocol = settings.kafka_security_protocol
    context = None
    if protocol.endswith("SSL"):
        try:
            context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
        except OSError as error:
            raise Fatal(
                f"EVENSCREEN_KAFKA_SSL_CAFILE cannot be used ({type(error).__name__}): "
                "it is a PEM file of CA certificates."
            ) from None
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context else None
