"""What missing outcomes do to figures: weights, random draws, reference standards; sums held against rows."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Functions that auditors may ask; no table."""
    for part in ("weights", "sampled", "sums", "roles"):
        _run(f"0005_{part}.sql")


def downgrade() -> None:
    """Nothing is stored, so nothing is lost."""
    _run("0005_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
