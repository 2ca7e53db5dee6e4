"""Where the benchmarks run: a stack of real parts in a folder of its own, and buckets of photographs."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg2

import evenscreen
from evenscreen.infra.local import kafka, postgres, roles, stack
from evenscreen.infra.local.reach import Reach, environment
from evenscreen.infra.local.settings import StackSettings
from evenscreen.infra.local.state import State
from evenscreen.migrations import upgrade
from evenscreen.schemas.errors import Fatal

TEMPLATE = "bench_template"
PHOTOGRAPHS = Path(evenscreen.__path__[0]) / "infra" / "demo" / "images"


@dataclass(frozen=True)
class Database:
    """A migrated, empty database of one round, as a worker reaches it."""

    url: str = field(repr=False)

    def ended(self) -> list[float]:
        """When each terminal row was written, seconds since 1970."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM recorded_at)::float8 FROM audit_records")
            return [row[0] for row in cursor.fetchall()]

    @contextlib.contextmanager
    def counting(self) -> Iterator["psycopg2.extensions.cursor"]:
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor


@dataclass(frozen=True)
class Place:
    """A running stack; `folder` holds it, its logs and its buckets."""

    folder: Path
    reach: Reach
    state: State

    def database(self) -> Database:
        """A new, empty database: nothing in it has been screened."""
        name = f"bench_{uuid4().hex}"
        with closing(postgres.connection(self.state)) as superuser:
            roles.ensure_database(superuser, name, template=TEMPLATE)
        return Database(_elsewhere(self.reach.database_urls["worker"], name))

    def environment(self, database: Database, bucket: Mapping[str, str]) -> dict[str, str]:
        """What a worker or a door needs; `bucket` says where the photographs are."""
        return {
            **environment("worker", self.reach),
            "EVENSCREEN_STATE_DIR": str(self.folder),
            "EVENSCREEN_DATABASE_URL": database.url,
            **bucket,
        }

    def url(self, database: Database, role: str) -> str:
        """`database`, as another role reaches it."""
        return _elsewhere(self.reach.database_urls[role], database.url.rsplit("/", 1)[1])

    def log(self, name: str) -> Path:
        """A new log file."""
        return self.folder / "log" / f"{name}-{uuid4().hex[:8]}.log"

    def servers(self) -> dict[str, Sequence[int]]:
        """The process ids of broker and database."""
        broker, server = kafka.running(self.state), postgres.running(self.state)
        if broker is None or server is None:
            raise Fatal("A part of the stack ended during the benchmark.")
        return {"Kafka": [broker.pid], "PostgreSQL": [one.pid for one in (server, *server.children(True))]}


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Start a stack in a temporary folder; stop and delete it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-bench-"))
    folder.chmod(0o711)
    settings = StackSettings(state_dir=folder, kafka=None, database_url=None, bucket=None)
    try:
        reach = stack.up(settings)
        state = State(folder)
        with closing(postgres.connection(state)) as superuser:
            roles.ensure_database(superuser, TEMPLATE)
        upgrade(_elsewhere(reach.database_urls["owner"], TEMPLATE))
        yield Place(folder, reach, state)
    finally:
        stack.down(settings)
        shutil.rmtree(folder, ignore_errors=True)


def _elsewhere(url: str, database: str) -> str:
    return url.rsplit("/", 1)[0] + f"/{database}"
