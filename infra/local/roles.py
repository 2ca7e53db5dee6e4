"""The database, its owner and the logins that carry the roles made by the migrations."""

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password, make_dsn

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

DATABASE = "evenscreen"
OWNER = "owner"
GROUPS = {
    "worker": "evenscreen_worker",
    "door": "evenscreen_door",
    "labeller": "evenscreen_labeller",
    "operator": "evenscreen_operator",
    "auditor": "evenscreen_auditor",
    "nightly": "evenscreen_nightly",
}
"""Login to the group role that holds its privileges."""
LARGE_OBJECTS = sql.SQL("""
REVOKE EXECUTE ON FUNCTION
    lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea), lo_unlink(oid),
    lowrite(integer, bytea), lo_truncate(integer, integer), lo_truncate64(integer, bigint)
FROM PUBLIC
""")
"""PostgreSQL lets everybody store large objects, which no right on a schema or table forbids."""


def ensure_owner(superuser: "connection", password: str) -> None:
    """The login `owner`: no superuser, but one who may make the group roles. Safe to repeat."""
    with superuser.cursor() as cursor:
        _ensure_login(cursor, OWNER, password)
        cursor.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(sql.Identifier(OWNER)))


def ensure_database(superuser: "connection", name: str = DATABASE, template: str | None = None) -> None:
    """The database `name`, owned by `owner`, closed to all but our logins. Safe to repeat.

    Nobody but a superuser stores large objects in it.
    """
    database = sql.Identifier(name)
    with superuser.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            source = sql.Identifier(template or "template1")
            cursor.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    database, sql.Identifier(OWNER), source
                )
            )
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        for login in GROUPS:
            if _exists(cursor, login):
                cursor.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(login))
                )
    if template is None:  # a copy has the rights of what it was copied from
        _forbid_large_objects(superuser, name)


def ensure_logins(superuser: "connection", passwords: Mapping[str, str], database: str = DATABASE) -> None:
    """A login per group role, once the migrations have made the groups. Safe to repeat."""
    with superuser.cursor() as cursor:
        for login, group in GROUPS.items():
            _ensure_login(cursor, login, passwords[login])
            names = {
                "login": sql.Identifier(login),
                "group": sql.Identifier(group),
                "db": sql.Identifier(database),
            }
            cursor.execute(sql.SQL("GRANT {group} TO {login}").format(**names))
            cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {db} TO {login}").format(**names))


def _forbid_large_objects(superuser: "connection", database: str) -> None:
    """Rights on functions are each database's own: for this one statement the superuser looks inside."""
    inside = {**superuser.get_dsn_parameters(), "password": superuser.info.password, "dbname": database}
    with closing(psycopg2.connect(make_dsn(**inside))) as opened, opened, opened.cursor() as cursor:
        cursor.execute(LARGE_OBJECTS)


def _ensure_login(cursor: "cursor", name: str, password: str) -> None:
    """The password travels and is stored as its SCRAM verifier only (RFC 5803)."""
    if not _exists(cursor, name):
        verifier = encrypt_password(password, name, scope=cursor.connection, algorithm="scram-sha-256")
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier))
        )


def _exists(cursor: "cursor", role: str) -> bool:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    return cursor.fetchone() is not None
