"""Engines of every role on one migrated database for all tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from psycopg2 import sql
from sqlalchemy import Engine, text

from evenscreen.infra.local import postgres, roles
from evenscreen.pipeline.database import open_database, transaction

from .rows import Case, insert

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def engine_of(stack_handle: Any, _template: str) -> Iterator[Callable[[str], Engine]]:
    """An engine per login on a database of the test's module: every table of cases has a model of its own."""
    name = f"audit_{uuid4().hex}"
    engines: dict[str, Engine] = {}

    def engine(role: str) -> Engine:
        if role not in engines:
            url = stack_handle.reach.database_urls[role].rsplit("/", 1)[0] + f"/{name}"
            engines[role] = open_database(url, application_name=f"test {role}", pool_size=2)
        return engines[role]

    with closing(postgres.connection(stack_handle.state)) as superuser:
        roles.ensure_database(superuser, name, template=_template)
        try:
            yield engine
        finally:
            for one in engines.values():
                one.dispose()
            with superuser.cursor() as cursor:
                cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def owner(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("owner")


@pytest.fixture(scope="module")
def now(owner: Engine) -> Callable[[], datetime]:
    """The server's clock: what was committed before is known then."""

    def read() -> datetime:
        with transaction(owner) as connection:
            return connection.scalar(text("SELECT clock_timestamp()"))

    return read


@pytest.fixture(scope="module")
def ask(engine_of: Callable[[str], Engine]) -> Ask:
    """Calls a function of schema audit as the auditor, by named arguments: `ask("metrics", since=…)`."""

    def rows(function: str, **arguments: Any) -> list[dict[str, Any]]:
        named = ", ".join(f"{name} => :{name}" for name in arguments)
        with transaction(engine_of("auditor")) as connection:
            found = connection.execute(text(f"SELECT * FROM audit.{function}({named})"), arguments)
            return [dict(row) for row in found.mappings()]

    return rows


@pytest.fixture
def nightly(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("nightly")


@pytest.fixture
def walked(owner: Engine, nightly: Engine) -> Callable[[], None]:
    """A complete walk that saw what arrived; sums and statistics as a database has that lives."""

    def walk() -> None:
        with transaction(owner) as connection:
            number = connection.scalar(
                text(
                    "INSERT INTO walks (bucket, completed_at) VALUES ('b', clock_timestamp())"
                    " RETURNING walk_id"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO listings SELECT screening_id, bucket, last_modified, :number FROM arrivals"
                    " ON CONFLICT (screening_id) DO UPDATE SET walk_id = :number"
                ),
                {"number": number},
            )
            connection.execute(text("ANALYZE"))
        with transaction(nightly) as connection:
            connection.execute(text("SELECT audit.increment()"))

    return walk


@pytest.fixture
def screened(owner: Engine, walked: Callable[[], None]) -> Callable[[list[Case]], str]:
    """A model that screened the given cases, all of them listed."""

    def fill(given: list[Case]) -> str:
        model, _ = insert(owner, given)
        walked()
        return model

    return fill
