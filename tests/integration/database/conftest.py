"""Engines for every role, on a new database for each test."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from psycopg2 import sql
from sqlalchemy import Engine, text

from evenscreen.infra.local import postgres, roles
from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.audit.imports import unfinished
from evenscreen.pipeline.audit.result import UnfinishedImport
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.labels.read import read_labels
from evenscreen.pipeline.labels.record import RecordedLabels, record_labels
from evenscreen.schemas.events import Event

from .images import MODEL, OTHER_MODEL
from .reports import now


@pytest.fixture
def engine_of(fresh_database: Reach) -> Iterator[Callable[[str], Engine]]:
    """An engine per login (owner, worker, door, operator, auditor) on a new database."""
    engines: dict[str, Engine] = {}

    def engine(role: str) -> Engine:
        if role not in engines:
            engines[role] = open_database(
                fresh_database.database_urls[role], application_name=f"test {role}", pool_size=4
            )
        return engines[role]

    yield engine
    for one in engines.values():
        one.dispose()


@pytest.fixture
def empty_database(stack_handle: Any) -> Iterator[Callable[[], str]]:
    """Makes databases without a table in them and gives the owner's URL of each; dropped afterwards."""
    made: list[str] = []
    with closing(postgres.connection(stack_handle.state)) as superuser:

        def make() -> str:
            made.append(f"empty_{uuid4().hex}")
            roles.ensure_database(superuser, made[-1])
            return stack_handle.reach.database_urls["owner"].rsplit("/", 1)[0] + f"/{made[-1]}"

        try:
            yield make
        finally:
            with superuser.cursor() as cursor:
                for name in made:
                    cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def worker(engine_of: Callable[[str], Engine]) -> Engine:
    """The screening worker's engine, two models registered."""
    engine = engine_of("worker")
    with transaction(engine) as connection:
        connection.execute(
            text("INSERT INTO models (model_version, threshold, manifest) VALUES (:version, 5000, '{}')"),
            [{"version": MODEL}, {"version": OTHER_MODEL}],
        )
    return engine


@pytest.fixture
def owner(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("owner")


@pytest.fixture
def arrive(engine_of: Callable[[str], Engine]) -> Callable[..., RecordedLabels]:
    """As a label worker records a batch of messages."""

    def record(*events: Event) -> RecordedLabels:
        batch = read_labels("t", [one.encoded() for one in events])
        with transaction(engine_of("labeller")) as connection:
            return record_labels(connection, batch.labels, batch.unreadable, batch.imports)

    return record


@pytest.fixture
def lacking(engine_of: Callable[[str], Engine]) -> Callable[..., Sequence[UnfinishedImport]]:
    """What the auditor knows to be unfinished at a time, now without one."""

    def ask(as_of: datetime | None = None) -> Sequence[UnfinishedImport]:
        auditor = engine_of("auditor")
        with transaction(auditor) as connection:
            return unfinished(connection, as_of or now(auditor))

    return ask
