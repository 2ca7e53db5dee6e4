"""The fixtures that every other integration test stands on."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
from kafka import KafkaConsumer

from evenscreen.infra.local.reach import Reach


def test_every_login_reaches_a_fresh_database_and_the_worker_is_no_owner(fresh_database: Reach) -> None:
    for role, url in fresh_database.database_urls.items():
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (role, False)


def test_an_object_put_on_versity_is_announced_on_kafka(
    versity: Any, unique_name: Callable[[str], str]
) -> None:
    bucket = unique_name("bucket")
    client = versity.client()
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="lesion.jpg", Body=b"not really")
    assert client.get_object(Bucket=bucket, Key="lesion.jpg")["Body"].read() == b"not really"
    with closing(
        KafkaConsumer(
            versity.topic,
            bootstrap_servers=versity.brokers,
            auto_offset_reset="earliest",
            consumer_timeout_ms=20_000,
        )
    ) as consumer:
        assert any(
            bucket.encode() in message.value and b"lesion.jpg" in message.value for message in consumer
        )
