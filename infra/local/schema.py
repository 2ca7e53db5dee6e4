"""The schema is the one of this version; Alembic, a second of imports, is loaded only where it is not."""

from contextlib import closing

import psycopg2

from evenscreen.schemas.tables.revision import REVISION


def migrate(database_url: str) -> None:
    """Upgrade the database of `database_url` (its owner's) unless it is at this version's revision.

    Durable on return. Raises `Transient` or `Fatal`, never the driver's own words.
    """
    if _revision(database_url) != REVISION:
        from evenscreen.migrations import upgrade
        from evenscreen.pipeline.database import scrubbed

        with scrubbed():
            upgrade(database_url)


def _revision(database_url: str) -> str | None:
    try:
        with (
            closing(psycopg2.connect(database_url, connect_timeout=5)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None
    except psycopg2.Error:
        # An empty database, or none that answers: the upgrade tells which, in our words.
        return None
