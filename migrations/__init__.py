"""The database schema, in steps. Each step is frozen once released; `sql/` holds its views and grants.

A new step is a file in `versions/` (`0002_what_it_does.py`), its SQL in `sql/0002_*.sql`, and the new number
in `schemas/tables/revision.py`. The drift tests say what the step still lacks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

FOLDER = Path(__file__).parent
LOCK = 0x6576656E  # "even"; any number will do, as long as every version uses the same


def upgrade(database_url: str, revision: str = "head") -> None:
    """Brings the database to `revision`; the caller must own it and, the first time, may create roles.

    Every step is one transaction, committed on return. Two at once are safe: the second waits for the first,
    then finds nothing to do.
    """
    with _locked(database_url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Takes the database back to `revision`; `base` leaves nothing but the group roles, which are shared."""
    with _locked(database_url) as connection:
        command.downgrade(_config(connection), revision)
        if revision == "base":
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            connection.commit()


def current(database_url: str) -> str | None:
    """The revision of the database, None where it has no tables of ours."""
    with _connected(database_url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"application_name": "evenscreen-db", "connect_timeout": 5},
    )
    with engine.connect() as connection:
        yield connection


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    with _connected(database_url) as connection:
        # Of the session, not of a transaction: a step may need several transactions.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        yield connection  # closing the connection gives the lock back, whatever happens


def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 (a package without its versions is broken)
    return head


HEAD: Final = _head()
"""The newest revision."""
