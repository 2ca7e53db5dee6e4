"""What the driver says never leaves pipeline/database.py; what to do about it does."""

import socket
import threading
import traceback
from collections.abc import Callable

import psycopg2
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.database import open_database, scrubbed, transaction
from evenscreen.schemas.errors import EvenscreenError, Fatal, Transient

SECRET = "Doe^Jane^19630204"


def run(engine: Engine, *statements: str) -> None:
    with transaction(engine) as connection:
        for statement in statements:
            connection.execute(text(statement), {"secret": SECRET} if ":secret" in statement else {})


def failure(engine: Engine, *statements: str) -> EvenscreenError:
    with pytest.raises(EvenscreenError) as caught:
        run(engine, *statements)
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert caught.value.__suppress_context__
    return caught.value


@pytest.mark.parametrize(
    ("state", "statements"),
    [
        ("57014", ["SET LOCAL statement_timeout = 20", "SELECT pg_sleep(60)"]),
        ("25006", ["SET TRANSACTION READ ONLY", "INSERT INTO walks (bucket) VALUES (:secret)"]),
        ("40001", ["DO $$BEGIN RAISE 'Doe^Jane^19630204' USING ERRCODE = '40001'; END$$"]),
        ("55000", ["DO $$BEGIN RAISE 'Doe^Jane^19630204' USING ERRCODE = '55000'; END$$"]),
        ("53100", ["DO $$BEGIN RAISE 'Doe^Jane^19630204' USING ERRCODE = '53100'; END$$"]),
        ("58030", ["DO $$BEGIN RAISE 'Doe^Jane^19630204' USING ERRCODE = '58030'; END$$"]),
    ],
)
def test_weather_is_transient(owner: Engine, state: str, statements: list[str]) -> None:
    found = failure(owner, *statements)
    assert isinstance(found, Transient)
    assert str(found) == f"database is unavailable ({state})"


@pytest.mark.parametrize(
    ("state", "statement"),
    [
        ("42P01", "SELECT * FROM nowhere WHERE x = :secret"),
        ("42601", "SELEC :secret"),
        ("22P02", "SELECT CAST(:secret AS integer)"),
        ("22003", "SELECT 99999999 * 99999999"),
        ("23505", "INSERT INTO patients (pseudonym) VALUES (:secret), (:secret)"),
        ("23514", "INSERT INTO models (model_version, threshold, manifest) VALUES (:secret, 10001, '{}')"),
        ("XX000", "DO $$BEGIN RAISE 'Doe^Jane^19630204' USING ERRCODE = 'XX000'; END$$"),
    ],
)
def test_what_a_person_must_mend_is_fatal(owner: Engine, state: str, statement: str) -> None:
    found = failure(owner, statement)
    assert isinstance(found, Fatal)
    assert f"(SQLSTATE {state})" in str(found)


def test_the_driver_itself_would_have_told(owner: Engine) -> None:
    with pytest.raises(IntegrityError, match="Doe") as caught, owner.begin() as connection:
        connection.execute(text("INSERT INTO patients (pseudonym) VALUES (:x), (:x)"), {"x": SECRET})
    assert SECRET in str(caught.value.orig)


def test_a_missing_right_is_fatal(engine_of: Callable[[str], Engine]) -> None:
    found = failure(engine_of("door"), "SELECT pseudonym FROM patients WHERE pseudonym = :secret")
    assert isinstance(found, Fatal)
    assert "42501" in str(found)
    assert "group role" in str(found)


def test_a_deadlock_is_transient_for_one_and_nothing_for_the_other(owner: Engine) -> None:
    with transaction(owner) as connection:
        connection.execute(text("INSERT INTO walks (bucket) VALUES ('a'), ('b')"))
    both_hold = threading.Barrier(2)
    failures: list[EvenscreenError] = []

    def work(*buckets: str) -> None:
        try:
            with transaction(owner) as connection:
                for bucket in buckets:
                    connection.execute(
                        text("UPDATE walks SET objects = 1 WHERE bucket = :bucket"), {"bucket": bucket}
                    )
                    if bucket == buckets[0]:
                        both_hold.wait()
        except EvenscreenError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(error) for error in failures] == ["database is unavailable (40P01)"]


def test_an_error_of_our_own_passes_and_rolls_back(owner: Engine) -> None:
    def work() -> None:
        with transaction(owner) as connection:
            connection.execute(text("INSERT INTO walks (bucket) VALUES ('a')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    with transaction(owner) as connection:
        assert connection.scalar(text("SELECT count(*) FROM walks")) == 0


def test_a_cut_connection_is_replaced_at_the_next_try(owner: Engine) -> None:
    assert isinstance(failure(owner, "SELECT pg_terminate_backend(pg_backend_pid())"), Transient)
    with transaction(owner) as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_pool_without_a_free_connection_is_weather(fresh_database: Reach) -> None:
    engine = open_database(fresh_database.database_urls["worker"], application_name="t", pool_size=1)
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with transaction(engine):
        assert isinstance(failure(engine, "SELECT 1"), Transient)
    engine.dispose()


def test_a_server_that_is_not_there_is_weather() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    engine = open_database(f"postgresql://x:{SECRET}@127.0.0.1:{port}/x", application_name="t", pool_size=1)
    assert str(failure(engine, "SELECT 1")) == "database is unavailable (OperationalError)"


@pytest.mark.parametrize("part", ["password", "role", "database"])
def test_a_wrong_address_is_fatal(fresh_database: Reach, part: str) -> None:
    url = fresh_database.database_urls["worker"]
    credentials, rest = url.removeprefix("postgresql://").rsplit("@", 1)
    name, password = credentials.split(":")
    wrong = {
        "password": f"postgresql://{name}:{SECRET}@{rest}",
        "role": f"postgresql://nobody:{password}@{rest}",
        "database": url.rsplit("/", 1)[0] + "/nowhere",
    }
    engine = open_database(SecretStr(wrong[part]), application_name="t", pool_size=1)
    assert isinstance(failure(engine, "SELECT 1"), Fatal)


@pytest.mark.parametrize("url", [SECRET, f"mysql://{SECRET}@host/db", ""])
def test_a_url_that_is_none_is_fatal_and_not_quoted(url: str) -> None:
    with pytest.raises(Fatal) as caught:
        open_database(url, application_name="t", pool_size=1)
    assert SECRET not in str(caught.value)


def test_a_bare_driver_error_is_scrubbed_too() -> None:
    with pytest.raises(Transient) as caught, scrubbed():
        raise psycopg2.InterfaceError(SECRET)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_sessions_name_themselves_and_end_statements_that_hang(owner: Engine) -> None:
    with transaction(owner) as connection:
        shown = [
            connection.scalar(text(f"SHOW {name}"))
            for name in ("application_name", "statement_timeout", "timezone")
        ]
    assert shown == ["test owner", "1min", "UTC"]
