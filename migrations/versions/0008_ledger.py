"""The ledger as a function that auditors ask with psql alone."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """One function; no table."""
    _run("0008_ledger.sql")


def downgrade() -> None:
    """Nothing is stored, so nothing is lost."""
    _run("0008_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
