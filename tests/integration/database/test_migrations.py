"""The steps lead up, down, and to exactly the schema that the code believes in."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DatabaseError

from evenscreen.infra.local import postgres
from evenscreen.infra.local.reach import Reach
from evenscreen.migrations import HEAD, LOCK, current, downgrade, upgrade
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.tables import Table
from evenscreen.schemas.tables.revision import REVISION

EmptyDatabase = Callable[[], str]

OBJECTS = """
    SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'
    UNION ALL SELECT 'granted to ' || r.rolname
    FROM pg_namespace, aclexplode(nspacl) AS acl JOIN pg_roles r ON r.oid = acl.grantee
    WHERE r.rolname LIKE 'evenscreen%'
    ORDER BY 1
"""

SHAPE = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND NOT a.attisdropped
    """,
    "tables": """
        SELECT relname, reloptions, obj_description(oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def fetched(url: str, statement: str) -> list[Any]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_code_expects_the_newest_revision() -> None:
    assert REVISION == HEAD


def test_up_down_and_up_again(empty_database: EmptyDatabase) -> None:
    url = empty_database()
    before = fetched(url, OBJECTS)
    assert current(url) is None
    upgrade(url)
    assert current(url) == HEAD
    first = fetched(url, OBJECTS)
    upgrade(url)
    downgrade(url, "base")
    assert current(url) is None
    assert fetched(url, OBJECTS) == before
    upgrade(url)
    assert fetched(url, OBJECTS) == first


@pytest.mark.parametrize(
    ("revision", "rewritten"),
    [
        # Written without the columns of a table that the step back drops; what it answers is the same.
        ("0005", ["figures.grouped"]),
        ("0012", []),
    ],
)
def test_a_step_down_restores_the_functions_that_it_replaced(
    empty_database: EmptyDatabase, revision: str, rewritten: list[str]
) -> None:
    url = empty_database()
    functions = """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text, obj_description(p.oid)
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('audit', 'figures') AND p.prokind = 'f'
        ORDER BY 1
    """
    upgrade(url, revision)
    before = fetched(url, functions)
    upgrade(url)
    assert fetched(url, functions) != before
    downgrade(url, revision)
    differing = [now for now, then in zip(fetched(url, functions), before, strict=True) if now != then]
    assert [name.split("(")[0] for name, *_ in differing] == rewritten
    upgrade(url)
    assert current(url) == HEAD


ANNOUNCED = """
    INSERT INTO label_imports (batch_id, step, announced_at, partition, partitions, reports, announced_by)
    SELECT CAST(:batch AS uuid), :step, now(), n, 2, 7, 'x' FROM generate_series(0, 1) AS n
"""
FINISHED = "SELECT count(finished_at), count(*) FROM audit.label_imports"


def test_files_that_had_come_to_their_end_count_after_the_upgrade_and_no_others(
    empty_database: EmptyDatabase,
) -> None:
    url = empty_database()
    upgrade(url, "0011")
    engine = open_database(url, application_name="test", pool_size=1)

    def announce(batch: int, *steps: str) -> None:
        with transaction(engine) as connection:
            for step in steps:
                connection.execute(text(ANNOUNCED), {"batch": str(UUID(int=batch)), "step": step})

    announce(1, "begun", "finished")
    announce(2, "begun")
    with pytest.raises(DatabaseError, match="the import of a file has not ended"):
        upgrade(url)
    with transaction(engine) as connection:
        connection.execute(text("DELETE FROM label_imports WHERE batch_id = :id"), {"id": UUID(int=2)})
    moment = "SELECT finished_at FROM audit.label_imports"
    before = fetched(url, moment)
    upgrade(url)
    assert fetched(url, moment) == before
    announce(3, "begun", "finished")  # of which a row was lost
    assert fetched(url, FINISHED) == [(1, 2)]
    downgrade(url, "0011")
    assert fetched(url, FINISHED) == [(1, 2)]
    engine.dispose()


def test_going_down_takes_nothing_from_another_database(
    empty_database: EmptyDatabase, fresh_database: Reach
) -> None:
    url = empty_database()
    upgrade(url)
    downgrade(url, "base")
    for role in ("worker", "door", "operator"):
        assert fetched(fresh_database.database_urls[role], "SELECT version_num FROM alembic_version")


def test_models_and_migrations_do_not_drift(fresh_database: Reach) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata)

    engine = open_database(fresh_database.database_urls["owner"], application_name="test", pool_size=1)
    with engine.connect() as connection:
        assert differences(connection) == []
        connection.execute(text("ALTER TABLE patients ALTER COLUMN pseudonym TYPE varchar(9)"))
        connection.execute(text("COMMENT ON COLUMN walks.emitted IS 'something else'"))
        assert len(differences(connection)) == 2
    engine.dispose()


@pytest.mark.parametrize("part", SHAPE)
def test_checks_keys_indexes_and_storage_do_not_drift_either(
    empty_database: EmptyDatabase, fresh_database: Reach, part: str
) -> None:
    url = empty_database()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    Table.metadata.create_all(engine)
    engine.dispose()
    believed = {repr(row) for row in fetched(url, SHAPE[part])}
    migrated = fetched(fresh_database.database_urls["owner"], SHAPE[part])
    assert {repr(row) for row in migrated if "alembic_version" not in row} == believed


def test_upgrades_at_the_same_time_wait_for_each_other(empty_database: EmptyDatabase, tmp_path: Path) -> None:
    url = empty_database()
    script = "import os; from evenscreen.migrations import upgrade; upgrade(os.environ['URL'])"
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with closing(psycopg2.connect(url)) as holder:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        holder.commit()
        upgrades = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=tmp_path,
                env=os.environ | {"URL": url},
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        while fetched(url, waiting) != [(2,)]:
            assert all(one.poll() is None for one in upgrades), "one did not wait"
            time.sleep(0.02)
        assert current(url) is None
    for one in upgrades:
        _, told = one.communicate(timeout=60)
        assert (one.returncode, told) == (0, b"")
    assert current(url) == HEAD


def test_a_database_that_is_not_ready_is_named_as_such(
    empty_database: EmptyDatabase, fresh_database: Reach
) -> None:
    def check(url: str) -> None:
        engine = open_database(url, application_name="test", pool_size=1)
        try:
            check_schema(engine)
        finally:
            engine.dispose()

    for role in ("worker", "door", "operator"):
        check(fresh_database.database_urls[role])
    with pytest.raises(Fatal, match="is empty, this program needs"):
        check(empty_database())
    owner = fresh_database.database_urls["owner"]
    with closing(psycopg2.connect(owner)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    with pytest.raises(Fatal, match=f"at revision 0000, this program needs {REVISION}"):
        check(fresh_database.database_urls["worker"])


def test_a_database_that_cannot_hold_every_name_is_refused(stack_handle: Any) -> None:
    name = f"ascii_{uuid4().hex}"
    url = stack_handle.reach.database_urls["owner"].rsplit("/", 1)[0] + f"/{name}"
    with closing(postgres.connection(stack_handle.state)) as superuser, superuser.cursor() as cursor:
        cursor.execute(
            f"CREATE DATABASE {name} OWNER owner TEMPLATE template0 "
            "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
        )
        engine = open_database(url, application_name="test", pool_size=1)
        try:
            with pytest.raises(Fatal, match="SQL_ASCII"):
                check_schema(engine)
        finally:
            engine.dispose()
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
