"""Who may do what, tried statement by statement as each role."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import (
    FeatureNotSupported,
    GeneratedAlways,
    InsufficientPrivilege,
    ObjectNotInPrerequisiteState,
    WrongObjectType,
)
from sqlalchemy import Engine, text

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.dead_letter import Unreadable
from evenscreen.schemas.metadata import ImageMetadata
from evenscreen.schemas.reasons import FstSource
from evenscreen.schemas.tables import Table

from .images import image, rejected, screened, superseded
from .test_record import recorded

COLUMNS = {name: frozenset(table.columns.keys()) for name, table in Table.metadata.tables.items()}
WORKER_TABLES = {"arrivals", "audit_records", "predictions", "dead_letters", "outbox", "patients", "models"}
DOOR_TABLES = {"walks", "listings"}
LABEL_TABLES = {"ground_truth", "skin_type_reports"}
RESULT_TABLES = {"audit_plans", "audit_results", "audit_announcements"}

READS: dict[str, dict[str, frozenset[str]]] = {
    "worker": {table: COLUMNS[table] for table in WORKER_TABLES},
    "door": {table: COLUMNS[table] for table in DOOR_TABLES}
    | {
        "arrivals": COLUMNS["arrivals"] - {"door"},
        "audit_records": frozenset({"screening_id"}),
        "dead_letters": frozenset({"dead_letter_id", "audit_id", "event_sha256", "recorded_at"}),
    },
    "labeller": {table: frozenset({"report_id"}) for table in LABEL_TABLES}
    | {"dead_letters": frozenset({"dead_letter_id"})},
    "operator": {
        "arrivals": COLUMNS["arrivals"] - {"key", "etag", "version_id"},
        "audit_records": COLUMNS["audit_records"]
        - {"patient_number", "accession", "age", "sex", "body_site", "acquired_at"},
        "predictions": COLUMNS["predictions"] - {"probabilities"},
        "dead_letters": COLUMNS["dead_letters"] - {"event"},
        "outbox": COLUMNS["outbox"] - {"payload"},
        **{table: COLUMNS[table] for table in ("models", "walks", "listings")},
    },
    "auditor": {},
    "nightly": {table: COLUMNS[table] for table in RESULT_TABLES},
}
INSERTS = {
    "worker": WORKER_TABLES,
    "door": DOOR_TABLES | {"dead_letters"},
    "labeller": LABEL_TABLES | {"dead_letters", "held_reports", "label_imports"},
    "operator": set(),
    "auditor": set(),
    "nightly": RESULT_TABLES,
}
UPDATES: dict[str, dict[str, frozenset[str]]] = {
    "worker": {"outbox": frozenset({"published_at"})},
    "door": {table: COLUMNS[table] for table in DOOR_TABLES},
    "labeller": {},
    "operator": {},
    "auditor": {},
    "nightly": {},
}
ROLES = tuple(READS)
LABEL_VIEWS = {
    "label_imports",
    "first_outcomes",
    "further_outcomes",
    "outcome_reports",
    "waiting_outcomes",
    "matched_skin_types",
    "skin_type_reports",
    "verification_draws",
    "verification_samples",
}


@pytest.fixture
def may(fresh_database: Reach) -> Iterator[Callable[[str, str], bool]]:
    """Whether a role may run a statement."""
    connections: dict[str, Any] = {}

    def allowed(role: str, statement: str) -> bool:
        if role not in connections:
            connections[role] = psycopg2.connect(fresh_database.database_urls[role])
            connections[role].autocommit = True
        try:
            with connections[role].cursor() as cursor:
                cursor.execute(statement)
        except InsufficientPrivilege:
            return False
        return True

    yield allowed
    for connection in connections.values():
        connection.close()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_its_columns_and_no_others(may: Callable[[str, str], bool], role: str) -> None:
    for table, columns in COLUMNS.items():
        readable = {one for one in columns if may(role, f"SELECT {one} FROM public.{table} LIMIT 0")}
        assert readable == READS[role].get(table, frozenset()), table


@pytest.mark.parametrize("role", ROLES)
def test_a_role_updates_its_columns_and_no_others(may: Callable[[str, str], bool], role: str) -> None:
    for table, columns in COLUMNS.items():
        writable = {
            one for one in columns if may(role, f"UPDATE public.{table} SET {one} = DEFAULT WHERE false")
        }
        assert writable == UPDATES[role].get(table, frozenset()), table


@pytest.mark.parametrize("role", ROLES)
def test_a_role_inserts_where_it_must_and_deletes_nowhere(may: Callable[[str, str], bool], role: str) -> None:
    for table in COLUMNS:
        plain = next(c.name for c in Table.metadata.tables[table].columns if c.identity is None)
        insert = f"INSERT INTO public.{table} ({plain}) SELECT NULL WHERE false"
        assert may(role, insert) == (table in INSERTS[role]), table
        for destroy in (f"DELETE FROM public.{table} WHERE false", f"TRUNCATE public.{table} CASCADE"):
            assert not may(role, destroy), destroy
        assert not may(role, f"ALTER TABLE public.{table} ADD COLUMN more text"), table


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_make_anything(may: Callable[[str, str], bool], role: str) -> None:
    for statement in (
        "CREATE TABLE public.mine (x int)",
        "CREATE TABLE audit.mine (x int)",
        "CREATE TEMP TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "SELECT lo_creat(-1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'mine')",
        "UPDATE public.alembic_version SET version_num = '0000'",
        "CREATE ROLE mine",
        "SET ROLE owner",
    ):
        assert not may(role, statement), statement


def test_only_auditors_read_every_view(may: Callable[[str, str], bool], owner: Engine) -> None:
    with transaction(owner) as connection:
        views = set(connection.scalars(text("SELECT viewname FROM pg_views WHERE schemaname = 'audit'")))
    assert views >= {"models", "arrivals", "walks", "listings", "screenings", "rejections"} | LABEL_VIEWS
    for view in views:
        assert may("auditor", f"SELECT * FROM audit.{view}")
        assert not may("worker", f"SELECT * FROM audit.{view}")
        assert not may("door", f"SELECT * FROM audit.{view}")
        assert not may("labeller", f"SELECT * FROM audit.{view}")
    assert not may("operator", "SELECT age FROM audit.screenings")
    assert not may("operator", "SELECT * FROM audit.rejections")


VIEW_COLUMNS = text("""
SELECT
    c.relname, pg_relation_is_updatable(c.oid, false) > 0 AS writable,
    has_table_privilege(:role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS may,
    jsonb_object_agg(a.attname, pg_column_is_updatable(c.oid, a.attnum, false))
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relkind = 'v' AND c.relnamespace = 'audit'::regnamespace
GROUP BY c.oid
""")
REFUSED = (InsufficientPrivilege, GeneratedAlways)
"""A number that the database gives is refused even to its owner."""
NO_WAY = (*REFUSED, ObjectNotInPrerequisiteState, FeatureNotSupported, WrongObjectType)
"""Postgres can write through a view over one table; of all others it says so before it looks at rights."""


@pytest.mark.parametrize("role", ROLES)
def test_nobody_writes_through_a_view(fresh_database: Reach, owner: Engine, role: str) -> None:
    """Of every view in the catalogue, a new one as well, by every statement that writes."""
    with transaction(owner) as connection:
        views = connection.execute(VIEW_COLUMNS, {"role": role}).all()
    assert {"plans", "results", "records"} | LABEL_VIEWS <= {view for view, *_ in views}
    assert sum(writable for _, writable, *_ in views) >= 10
    assert not [view for view, _, may, _ in views if may]
    with closing(psycopg2.connect(fresh_database.database_urls[role])) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for view, writable, _, columns in views:
                tried = [
                    (f"DELETE FROM audit.{view} WHERE false", writable),
                    (f"TRUNCATE audit.{view}", False),
                    (f"CREATE RULE mine AS ON INSERT TO audit.{view} DO INSTEAD NOTHING", True),
                ]
                for column, plain in columns.items():
                    given = f"({column}) OVERRIDING SYSTEM VALUE SELECT NULL WHERE false"
                    tried.append((f"INSERT INTO audit.{view} {given}", plain))
                    tried.append((f"UPDATE audit.{view} SET {column} = DEFAULT WHERE false", plain))
                for statement, by_right in tried:
                    with pytest.raises(REFUSED if by_right else NO_WAY):
                        cursor.execute(statement)


def test_only_auditors_ask_what_is_known_and_only_labellers_draw_samples_and_let_files_count(
    may: Callable[[str, str], bool],
) -> None:
    draw = "SELECT * FROM public.draw_verification_sample('m', '2026-01-01', '2026-02-01', 1, 1, 'x')"
    count = (
        "count_import(gen_random_uuid(), now())",
        "release_reports(gen_random_uuid(), now(), 0)",
        "forget_reports(gen_random_uuid())",
    )
    for role in ROLES:
        for function in ("outcomes", "skin_types"):
            assert may(role, f"SELECT * FROM audit.{function}(now())") == (role in ("auditor", "nightly"))
        assert may(role, draw) == (role == "labeller"), role
        for function in count:
            assert may(role, f"SELECT * FROM public.{function}") == (role == "labeller"), role


def test_a_login_without_a_group_cannot_even_connect(owner: Engine) -> None:
    with transaction(owner) as connection:
        assert not connection.scalar(
            text(
                "SELECT bool_or(grantee = 0) FROM pg_database, aclexplode(datacl)"
                " WHERE datname = current_database()"
            )
        )


def test_no_view_shows_what_names_or_links_a_patient(
    worker: Engine, owner: Engine, fresh_database: Reach
) -> None:
    secrets = {"key": "Doe^Jane", "etag": "e7a6" * 8, "version_id": "vvvv1", "pseudonym": "k1:abcdef"}
    source = {name: secrets[name] for name in ("key", "etag", "version_id")}
    metadata = ImageMetadata(fst=6, fst_source=FstSource.REPORTED, patient="4711")
    shown = {"metadata": metadata, "pseudonym": secrets["pseudonym"]}
    recorded(
        worker,
        screened(image(1, **source), flagged=True, **shown),
        rejected(image(2, **source | {"etag": "e7a6" * 7}), **shown),
        superseded(image(3, **source | {"etag": "e7a6" * 6}), **shown),
        unreadable=(Unreadable("t", b"Doe^Jane", "at json"),),
    )
    with transaction(owner) as connection:
        secrets |= {
            str(n): str(t) for n, t in enumerate(connection.scalars(text("SELECT trace_id FROM arrivals")))
        }
        views = connection.scalars(text("SELECT viewname FROM pg_views WHERE schemaname = 'audit'")).all()
    url = fresh_database.database_urls["auditor"]
    with closing(psycopg2.connect(url)) as auditor, auditor.cursor() as cursor:
        seen = ""
        for view in views:
            cursor.execute(f"SELECT t::text FROM audit.{view} AS t")
            seen += "".join(row for (row,) in cursor.fetchall())
        cursor.execute("SELECT outcome, fst_group, patient_number FROM audit.screenings ORDER BY 1")
        assert cursor.fetchall() == [(o, "V–VI", 1) for o in ("rejected", "screened", "superseded")]
    assert str(image(1, **source).screening_id) in seen
    for secret in (*secrets.values(), "4711", "Jane", "\\x446f65"):
        assert secret not in seen
