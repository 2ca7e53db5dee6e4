"""Reports of a file count together, when all of it has come."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """A table in which reports wait, the function that lets them count, and patience with long writers."""
    _run("0012_held_reports.sql")


def downgrade() -> None:
    _run("0012_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
