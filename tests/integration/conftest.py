"""A real stack for every integration test: Apache Kafka, PostgreSQL, a folder bucket; on request, a real S3.

One stack serves the whole session: give topics, groups and buckets names of their own (`unique_name`) and
take a `fresh_database` where rows matter. Tests that kill parts take a `fresh_stack`.
"""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from psycopg2 import sql

from evenscreen.infra.local import kafka, postgres, roles, topics
from evenscreen.infra.local import stack as local_stack
from evenscreen.infra.local.process import stop
from evenscreen.infra.local.reach import Reach
from evenscreen.infra.local.settings import StackSettings
from evenscreen.infra.local.state import State
from evenscreen.infra.local.versity import Versity, build
from evenscreen.infra.local.versity import start as start_versity
from evenscreen.migrations import upgrade
from evenscreen.schemas.errors import Fatal

TEMPLATE = "evenscreen_template"


@dataclass
class StackHandle:
    """One stack in a folder of its own, and what a fault test does to it."""

    root: Path
    reach: Reach = field(init=False)

    @property
    def settings(self) -> StackSettings:
        """Every part is local, whatever the environment of the developer says."""
        return StackSettings(state_dir=self.root, kafka=None, database_url=None, bucket=None)

    @property
    def state(self) -> State:
        return State(self.root)

    def up(self) -> Reach:
        """`evenscreen up`: starts what does not run."""
        self.reach = local_stack.up(self.settings)
        return self.reach

    def begin_as(self, seed: Path) -> None:
        """Copy a stack at rest and start it."""
        subprocess.run(["cp", "-a", f"{seed}/.", str(self.root)], check=True)
        self.up()

    def down(self) -> None:
        """`evenscreen down`."""
        local_stack.down(self.settings)

    def kafka_process(self) -> psutil.Process | None:
        return kafka.running(self.state)

    def postgres_process(self) -> psutil.Process | None:
        return postgres.running(self.state)

    def kill_kafka(self) -> None:
        """kill -9 of the broker; it stays away until `start_kafka` or `up`."""
        self._signal(self.kafka_process(), signal.SIGKILL)

    def start_kafka(self) -> None:
        """Start the broker again, on its old port; returns once it accepts connections."""
        kafka.start(self.state, lambda _: None)
        topics.ensure(kafka.settings(self.state), ())

    def restart_kafka(self) -> None:
        """kill -9 and start again."""
        self.kill_kafka()
        self.start_kafka()

    def kill_postgres(self) -> None:
        """kill -9 of the postmaster; its children notice within seconds."""
        self._signal(self.postgres_process(), signal.SIGKILL)

    def stop_postgres_immediately(self) -> None:
        """`pg_ctl stop -m immediate`: every session is cut, nothing is written, recovery is due."""
        self._signal(self.postgres_process(), signal.SIGQUIT)

    def start_postgres(self) -> None:
        """Start the server again, on its old port; returns once it answers a query."""
        from evenscreen.infra.local.system_user import system_user

        postgres.start(self.state, system_user(self.settings.postgres_user))

    def restart_postgres_immediately(self) -> None:
        """`pg_ctl restart -m immediate`."""
        self.stop_postgres_immediately()
        self.start_postgres()

    @staticmethod
    def _signal(process: psutil.Process | None, number: signal.Signals) -> None:
        assert process is not None, "it does not run"
        stop(process, timeout_s=30, gently=number, word=lambda _: None)


def _folder() -> Path:
    """A new folder that PostgreSQL's user can reach when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-test-"))
    folder.chmod(0o711)
    return folder


def _discard(handle: StackHandle) -> None:
    try:
        handle.down()
    finally:
        shutil.rmtree(handle.root, ignore_errors=True)


@pytest.fixture(scope="session")
def stack_handle() -> Iterator[StackHandle]:
    """The session's stack with its handle. Leave it running: take `fresh_stack` to break one."""
    handle = StackHandle(_folder())
    try:
        handle.up()
        _forgo_disk_flushes(handle)
        yield handle
    finally:
        _discard(handle)


def _forgo_disk_flushes(handle: StackHandle) -> None:
    """Dropping a database writes all of them to disk, for seconds; only a machine that crashes needs it.

    Committed rows still outlive a kill -9 of the server. Stacks that tests break keep the product's settings.
    """
    with closing(postgres.connection(handle.state)) as superuser, superuser.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def stack(stack_handle: StackHandle) -> Reach:
    """How to reach the session's stack: migrated, with all topics (12 partitions) and roles."""
    return stack_handle.reach


@pytest.fixture(scope="session")
def _seed() -> Iterator[Path]:
    """A migrated stack at rest, to copy: starting a copy skips initdb, formatting and migrations."""
    handle = StackHandle(_folder())
    try:
        handle.up()
        handle.down()
        for recorded in (handle.state.kafka / "ports.json", handle.state.postgres / "ports.json"):
            recorded.unlink()
        yield handle.root
    finally:
        _discard(handle)


@pytest.fixture
def fresh_stack(_seed: Path) -> Iterator[Callable[[], StackHandle]]:
    """Makes running stacks of your own, as many as you call it; each is stopped and deleted afterwards."""
    made: list[StackHandle] = []

    def make() -> StackHandle:
        made.append(StackHandle(_folder()))
        made[-1].begin_as(_seed)
        return made[-1]

    try:
        yield make
    finally:
        for handle in made:
            _discard(handle)


@pytest.fixture(scope="module")
def module_stack(_seed: Path) -> Iterator[StackHandle]:
    """A running stack of the module's own, for tests that break it and bring it up again."""
    handle = StackHandle(_folder())
    try:
        handle.begin_as(_seed)
        yield handle
    finally:
        _discard(handle)


@pytest.fixture(scope="session")
def _template(stack_handle: StackHandle) -> str:
    """A migrated database without connections, to copy."""
    with closing(postgres.connection(stack_handle.state)) as superuser:
        roles.ensure_database(superuser, TEMPLATE)
    upgrade(_urls(stack_handle.reach, TEMPLATE)["owner"])
    return TEMPLATE


@pytest.fixture
def fresh_database(stack_handle: StackHandle, _template: str) -> Iterator[Reach]:
    """The session's stack, but every URL leads to a new, migrated, empty database; dropped afterwards."""
    name = f"test_{uuid4().hex}"
    with closing(postgres.connection(stack_handle.state)) as superuser:
        roles.ensure_database(superuser, name, template=_template)
        try:
            yield stack_handle.reach.model_copy(update={"database_urls": _urls(stack_handle.reach, name)})
        finally:
            with superuser.cursor() as cursor:
                cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _urls(reach: Reach, database: str) -> dict[str, str]:
    return {role: url.rsplit("/", 1)[0] + f"/{database}" for role, url in reach.database_urls.items()}


@pytest.fixture
def unique_name() -> Callable[[str], str]:
    """Names that no other test has, valid for topics, consumer groups and buckets: `unique_name("relay")`."""
    return lambda stem: f"{stem}-{uuid4().hex[:12]}"


@pytest.fixture
def make_topic(stack_handle: StackHandle, unique_name: Callable[[str], str]) -> Callable[..., str]:
    """Creates a topic of your own on the session's broker: `make_topic("raw", 3)` gives its name."""

    def make(stem: str, partitions: int = 12) -> str:
        name = unique_name(stem)
        topics.ensure(kafka.settings(stack_handle.state), [name], partitions=partitions)
        return name

    return make


@dataclass(frozen=True)
class VersityHandle:
    """A running Versity Gateway whose bucket events arrive on `topic` of the session's broker."""

    gateway: Versity
    topic: str
    brokers: str

    @property
    def endpoint(self) -> str:
        return self.gateway.endpoint

    def environment(self, bucket: str) -> dict[str, str]:
        """What a process needs to read `bucket` here."""
        return {
            "EVENSCREEN_BUCKET": f"s3://{bucket}",
            "EVENSCREEN_S3_ENDPOINT": self.endpoint,
            "EVENSCREEN_S3_ACCESS_KEY": self.gateway.access_key,
            "EVENSCREEN_S3_SECRET_KEY": self.gateway.secret_key,
        }

    def client(self) -> object:
        """A boto3 S3 client with the gateway's root keys."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.gateway.access_key,
            aws_secret_access_key=self.gateway.secret_key,
            region_name="us-east-1",
        )


@pytest.fixture(scope="session")
def versity(stack_handle: StackHandle) -> Iterator[VersityHandle]:
    """A real S3 server that notifies the session's broker; skipped, with the reason, where Go is missing."""
    try:
        program = build()
    except Fatal as reason:
        pytest.skip(f"no S3 server to test with: {reason}")
    topic = f"versity-{uuid4().hex[:12]}"
    topics.ensure(kafka.settings(stack_handle.state), [topic])
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-versity-"))
    gateway = start_versity(program, folder / "buckets", brokers=stack_handle.reach.kafka, topic=topic)
    try:
        yield VersityHandle(gateway, topic, stack_handle.reach.kafka)
    finally:
        gateway.stop()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_configure() -> None:
    """A run that is told to end (SIGTERM, as `timeout` sends it) takes its stacks down first, like Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
