"""Whoever opens the database with psql finds every table, view and column explained."""

from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction

UNEXPLAINED = text("""
SELECT c.oid::regclass::text AS place
FROM pg_class AS c
WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN ('public'::regnamespace, 'audit'::regnamespace)
    AND c.relname <> 'alembic_version'
    AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''
UNION ALL
SELECT c.oid::regclass || '.' || a.attname
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN ('public'::regnamespace, 'audit'::regnamespace)
    AND c.relname <> 'alembic_version'
    AND coalesce(col_description(c.oid, a.attnum), '') = ''
""")


def test_every_table_view_and_column_has_a_comment(owner: Engine) -> None:
    with transaction(owner) as connection:
        assert connection.scalars(UNEXPLAINED).all() == []
        connection.execute(text("COMMENT ON COLUMN audit.screenings.age IS NULL"))
        connection.execute(text("COMMENT ON TABLE walks IS NULL"))
        assert set(connection.scalars(UNEXPLAINED)) == {"audit.screenings.age", "walks"}
