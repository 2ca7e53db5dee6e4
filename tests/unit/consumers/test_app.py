"""The settings of Faust on which the promise rests."""

import pytest

from evenscreen.consumers.app import make_app
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import KafkaSettings


def test_faust_waits_for_nobody_prefetches_little_and_leaves_its_group() -> None:
    app = make_app(KafkaSettings(kafka="127.0.0.1:1,127.0.0.1:2"), "g", session_timeout_s=9, buffered=32)
    assert not app.conf.stream_wait_empty
    assert app.conf.stream_buffer_maxsize == app.conf.broker_max_poll_records == 32
    assert app.conf.broker_heartbeat_interval * 3 <= app.conf.broker_session_timeout == 9
    assert app.conf.consumer_group_instance_id is None, "a static member sends no LeaveGroup"
    assert app.conf.consumer_auto_offset_reset == "earliest"
    assert [url.host for url in app.conf.broker] == ["127.0.0.1", "127.0.0.1"]


def test_the_password_reaches_the_credentials_and_no_repr() -> None:
    settings = KafkaSettings(
        kafka="127.0.0.1:1",
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_sasl_username="worker",
        kafka_sasl_password="hush-hush",
    )
    app = make_app(settings, "g", session_timeout_s=9, buffered=32)
    assert app.conf.broker_credentials.password == "hush-hush"
    assert "hush-hush" not in repr(app.conf.broker_credentials) + repr(settings)


def test_a_missing_certificate_file_is_a_sentence() -> None:
    settings = KafkaSettings(
        kafka="127.0.0.1:1", kafka_security_protocol="SSL", kafka_ssl_cafile="/nowhere/ca.pem"
    )
    with pytest.raises(Fatal, match="KAFKA_SSL_CAFILE"):
        make_app(settings, "g", session_timeout_s=9, buffered=32)
