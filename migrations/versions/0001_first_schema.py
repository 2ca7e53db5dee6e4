"""The first schema: arrivals, listings, audit records, predictions, dead letters, outbox; views and roles."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Tables first, then the views over them, then who may do what."""
    _run("0001_tables.sql")
    _run("0001_views.sql")
    _run("0001_roles.sql")


def downgrade() -> None:
    """Takes back everything but the group roles, which other databases of the cluster may use."""
    _run("0001_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
