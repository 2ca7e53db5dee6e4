"""The door to Postgres: an engine, a transaction, and errors that say what to do and nothing about the data.

A driver's message quotes values (`DETAIL: Key (key)=(…)`), so none leaves this file: what does is a SQLSTATE
(https://www.postgresql.org/docs/current/errcodes-appendix.html) or the class of the error.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.tables.revision import REVISION

STATEMENT_TIMEOUT_S = 60

SESSION = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c lock_timeout=30s "
    "-c idle_in_transaction_session_timeout=60s -c timezone=UTC"
)

WEATHER = ("08", "40", "53", "57", "58", "55000", "55P03", "25006", "25P03")
"""Connections, rollbacks, resources, interventions, I/O; not in a state to (increments that wait in vain for
writers); locks; a standby after failover; idle too long."""

REFUSED_AT_THE_DOOR = (
    "authentication failed",
    "no password supplied",
    "pg_hba.conf",
    "does not exist",
    "not permitted to log in",
    "permission denied for database",
)
"""libpq gives no SQLSTATE for a refused connection, only these words (English unless lc_messages says so)."""

HINTS = {
    "28": "check the role and the password in EVENSCREEN_DATABASE_URL",
    "3D": "check the name of the database in EVENSCREEN_DATABASE_URL",
    "42501": "the role lacks a right: it must be a member of the group role of this process",
    "42": "the schema is not the one this version needs: run `evenscreen db upgrade`",
    "P0001": "a step of the schema refuses what it finds: see `Upgrading the schema` in docs/RUNBOOK.md",
    "23503": "a row points to nothing: was the database restored or changed by hand?",
    "22": "a value broke a rule of the schema, which is a defect worth reporting",
    "23": "a value broke a rule of the schema, which is a defect worth reporting",
}


def open_database(url: SecretStr | str, *, application_name: str, pool_size: int) -> Engine:
    """An engine of at most `pool_size` connections; opens none yet. Raises Fatal on a URL it cannot use.

    Nothing pings a connection before its use: transactions are ridden out in bad weather anyway, the first
    failure empties the whole pool, and keepalives find a dead peer within 25 s even while idle.
    """
    secret = url.get_secret_value() if isinstance(url, SecretStr) else url
    try:
        parsed = make_url(secret)
    except ArgumentError:
        raise Fatal(
            "EVENSCREEN_DATABASE_URL is no URL of the form postgresql://role:password@host/db"
        ) from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise Fatal("EVENSCREEN_DATABASE_URL must begin with postgresql://")
    return create_engine(
        parsed.set(drivername="postgresql+psycopg2"),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={
            "application_name": application_name,
            "connect_timeout": 5,
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 25_000,
            "options": SESSION,
        },
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction (READ COMMITTED); what ran in it is durable when the block has ended without an error.

    Raises Transient in bad weather, when the whole block may be run again, and Fatal when a person is needed.
    A Transient at the end leaves open whether the commit was made: only idempotent work belongs in here.
    """
    with scrubbed(), engine.begin() as connection:
        yield connection


@contextmanager
def scrubbed() -> Iterator[None]:
    """Turns every error of the driver into Transient or Fatal, without a word of what the driver said."""
    try:
        yield
    except (SQLAlchemyError, psycopg2.Error) as error:
        raise _verdict(error) from None


def check_schema(engine: Engine) -> None:
    """Raises Fatal when the database is not at the revision that this code was written for, or not UTF-8."""
    with transaction(engine) as connection:
        if connection.scalar(text("SELECT current_schema() IS NULL")):
            raise Fatal(
                "The role may not use the schema: it must be a member of the group role of this process."
            )
        encoding = connection.scalar(text("SELECT current_setting('server_encoding')"))
        if encoding != "UTF8":
            # The first key or name that it has no sign for would stop every worker.
            raise Fatal(f"The database is encoded in {encoding}: create it anew with ENCODING 'UTF8'.")
        exists = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        found = connection.scalar(text("SELECT version_num FROM alembic_version")) if exists else None
    if found != REVISION:
        state = f"at revision {found}" if found else "empty"
        raise Fatal(f"The database is {state}, this program needs {REVISION}: run `evenscreen db upgrade`.")


def only_views(engine: Engine) -> bool:
    """Whether the role sees schema `audit` and no table: an auditor, who reads and writes nothing."""
    with transaction(engine) as connection:
        return bool(
            connection.scalar(
                text(
                    "SELECT NOT has_schema_privilege('public', 'USAGE') AND coalesce(has_schema_privilege("
                    "(SELECT oid FROM pg_namespace WHERE nspname = 'audit'), 'USAGE'), false)"
                )
            )
        )


def _verdict(error: SQLAlchemyError | psycopg2.Error) -> Transient | Fatal:
    driver = error.orig if isinstance(error, DBAPIError) else error
    state: str | None = getattr(driver, "pgcode", None)
    name = type(driver).__name__
    if state is not None:
        if state.startswith(WEATHER):
            return Transient("database", state)
        hint = next((HINTS[code] for code in (state, state[:2]) if code in HINTS), "see the server's log")
        return Fatal(f"The database refused a statement (SQLSTATE {state}): {hint}.")
    if isinstance(error, PoolTimeout) or isinstance(driver, psycopg2.InterfaceError):
        return Transient("database", name)
    if isinstance(driver, psycopg2.OperationalError):
        if any(words in str(driver) for words in REFUSED_AT_THE_DOOR):
            return Fatal("The database refused the connection: check role, password and database name.")
        return Transient("database", name)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Transient("database", name)
    return Fatal(f"The database could not be used ({name}), which is a defect worth reporting.")
