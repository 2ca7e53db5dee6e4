"""Notifications on a real broker become arrivals: each once where nothing breaks, none lost where it does."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import RetriableError
from sqlalchemy import Engine, text

from evenscreen.infra.local.reach import Reach, Role
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.store import open_stores
from evenscreen.producers.duty import Duty
from evenscreen.producers.kafka import client_options
from evenscreen.producers.notification_relay import NotificationRelay
from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.settings import KafkaSettings, RelaySettings

RECORDED = Path(__file__).parents[2] / "unit" / "producers" / "recorded"


def notification(bucket: str, key: str) -> bytes:
    message = json.loads((RECORDED / "versity_put.json").read_bytes())
    message["Records"][0]["s3"]["bucket"]["name"] = bucket
    message["Records"][0]["s3"]["object"]["key"] = key
    return json.dumps(message).encode()


class Scene:
    """A raw topic, a group and relays over them."""

    def __init__(self, reach: Reach, raw_topic: str, name: str, folder: Path, closing: ExitStack) -> None:
        self._closing = closing
        self.reach = reach
        self.bucket = name
        self.settings = RelaySettings(
            kafka=reach.kafka,
            bucket=f"file://{folder}",
            database_url=reach.database_urls["door"],
            raw_topic=raw_topic,
            relay_group=name,
            session_timeout_s=6,
        )
        self.engine = self.database("door")
        self.publisher = self.closed(Publisher(self.settings))

    def database(self, role: Role) -> Engine:
        engine = open_database(self.reach.database_urls[role], application_name="test", pool_size=2)
        self._closing.callback(engine.dispose)
        return engine

    def closed(self, publisher: Publisher) -> Publisher:
        """The publisher, closed when the test ends."""
        self._closing.callback(publisher.close)
        return publisher

    def sent(self, *values: bytes) -> None:
        self.publisher.publish(
            [
                Message(self.settings.raw_topic, str(number).encode(), value)
                for number, value in enumerate(values)
            ]
        )

    def relay(self, duty: Duty, publisher: Publisher | None = None) -> NotificationRelay:
        publisher = self.closed(publisher or Publisher(self.settings))
        return NotificationRelay(self.settings, open_stores(self.settings), self.engine, publisher, duty)

    def committed(self) -> int:
        """Messages of the raw topic that the group has acknowledged."""
        admin = KafkaAdminClient(**client_options(KafkaSettings(kafka=self.reach.kafka)))
        try:
            offsets = admin.list_group_offsets(self.bucket)[self.bucket]
        except RetriableError:
            return 0  # a broker's first group waits for the topic of offsets
        finally:
            admin.close()
        return sum(
            one.offset for partition, one in offsets.items() if partition.topic == self.settings.raw_topic
        )

    def dead_letters(self) -> list[Any]:
        with transaction(self.database("owner")) as connection:
            return list(connection.execute(text("SELECT reason, detail, event FROM dead_letters")))


@pytest.fixture
def scene(
    fresh_database: Reach, make_topic: Callable[..., str], unique_name: Callable[[str], str], tmp_path: Path
) -> Iterator[Scene]:
    with ExitStack() as closing:
        yield Scene(fresh_database, make_topic("raw", 3), unique_name("relay"), tmp_path, closing)


def test_each_creation_is_published_once_and_then_committed(
    scene: Scene, arrivals: Any, make_duty: Any, in_background: Any, wait_until: Any
) -> None:
    reader = arrivals(scene.bucket)
    keys = [f"ward 3/ü+{number}.jpg" for number in range(300)]
    test_event = (RECORDED / "versity_test.json").read_bytes()
    scene.sent(test_event, *(notification(scene.bucket, key) for key in keys), b"\xffnot json")
    duty = make_duty()
    with in_background(scene.relay(duty).run, duty) as raised:
        events = reader.until(len(keys))
        wait_until(lambda: scene.committed() == len(keys) + 2)
    assert not raised
    assert sorted(event.key for event in events) == sorted(keys)
    ((reason, detail, event),) = scene.dead_letters()
    assert (reason, detail, bytes(event)) == ("event_unreadable", "1 x not_json", b"\xffnot json")


class DiesAfterPublishing(Publisher):
    """A process that is killed when everything is published and nothing committed."""

    def publish(self, messages: Sequence[Message]) -> None:
        super().publish(messages)
        raise RuntimeError("killed between publish and commit")


def test_death_between_publish_and_commit_repeats_and_loses_nothing(
    scene: Scene, arrivals: Any, make_duty: Any, in_background: Any, wait_until: Any
) -> None:
    reader = arrivals(scene.bucket)
    keys = {f"{number}.jpg" for number in range(20)}
    scene.sent(*(notification(scene.bucket, key) for key in sorted(keys)))
    duty = make_duty()
    with in_background(scene.relay(duty, DiesAfterPublishing(scene.settings)).run, duty) as raised:
        wait_until(lambda: bool(raised))
    assert isinstance(raised[0], RuntimeError)
    assert scene.committed() == 0
    duty = make_duty()
    with in_background(scene.relay(duty).run, duty) as raised:
        wait_until(lambda: scene.committed() == len(keys))
    assert not raised
    assert {event.key for event in reader.until(len(keys))} == keys


def test_two_relays_share_the_work_without_loss(
    scene: Scene, arrivals: Any, make_duty: Any, in_background: Any, wait_until: Any
) -> None:
    reader = arrivals(scene.bucket)
    first, second = make_duty(), make_duty()
    with in_background(scene.relay(first).run, first) as raised:
        scene.sent(*(notification(scene.bucket, f"a{number}.jpg") for number in range(100)))
        with in_background(scene.relay(second).run, second) as also_raised:
            scene.sent(*(notification(scene.bucket, f"b{number}.jpg") for number in range(100)))
            wait_until(lambda: scene.committed() == 200)
    assert not raised
    assert not also_raised
    assert len({event.key for event in reader.until(200)}) == 200


def test_group_that_went_on_without_the_relay_is_no_failure(
    scene: Scene, arrivals: Any, make_duty: Any, in_background: Any, wait_until: Any
) -> None:
    """While a relay publishes, its group is thrown out: its commit is refused and it joins again."""
    reader = arrivals(scene.bucket)
    scene.sent(*(notification(scene.bucket, f"{number}.jpg") for number in range(10)))
    thrown: list[bool] = []

    class ThrownOut(Publisher):
        def publish(self, messages: Sequence[Message]) -> None:
            super().publish(messages)
            if not thrown:
                thrown.append(True)
                relay_members = _members(scene)
                assert relay_members
                _throw_out(scene, relay_members)

    duty = make_duty()
    with in_background(scene.relay(duty, ThrownOut(scene.settings)).run, duty) as raised:
        wait_until(lambda: scene.committed() == 10)
    assert thrown
    assert not raised
    assert {event.key for event in reader.until(10)} == {f"{number}.jpg" for number in range(10)}


def _members(scene: Scene) -> list[str]:
    admin = KafkaAdminClient(**client_options(KafkaSettings(kafka=scene.reach.kafka)))
    try:
        (group,) = admin.describe_groups([scene.bucket]).values()
    finally:
        admin.close()
    return [member["member_id"] for member in group["members"]]


def _throw_out(scene: Scene, members: list[str]) -> None:
    admin = KafkaAdminClient(**client_options(KafkaSettings(kafka=scene.reach.kafka)))
    try:
        admin.remove_group_members(scene.bucket, [MemberToRemove(member_id=member) for member in members])
    finally:
        admin.close()


def test_versity_gateway_is_understood_on_the_wire(
    versity: Any,
    fresh_database: Reach,
    unique_name: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    arrivals: Any,
    make_duty: Any,
    in_background: Any,
) -> None:
    bucket = unique_name("clinic")
    for name, value in versity.environment(bucket).items():
        monkeypatch.setenv(name, value)
    settings = RelaySettings(
        kafka=versity.brokers,
        database_url=fresh_database.database_urls["door"],
        raw_topic=versity.topic,
        relay_group=bucket,
        session_timeout_s=6,
    )
    engine = open_database(settings.database_url, application_name="test", pool_size=2)
    reader = arrivals(bucket)
    client = versity.client()
    client.create_bucket(Bucket=bucket)
    keys = {"a b/ü+1%2F.jpg", "plain.jpg", "100%.jpg"}
    etags = {key: client.put_object(Bucket=bucket, Key=key, Body=key.encode())["ETag"] for key in keys}
    client.put_object(Bucket=bucket, Key="plain.jpg.json", Body=b"{}")
    client.delete_object(Bucket=bucket, Key="100%.jpg")
    duty = make_duty()
    with closing(Publisher(settings)) as publisher:
        relay = NotificationRelay(settings, open_stores(settings), engine, publisher, duty)
        with in_background(relay.run, duty) as raised:
            events = reader.until(len(keys))
    engine.dispose()
    assert not raised
    assert {event.key: f'"{event.etag}"' for event in events} == etags
