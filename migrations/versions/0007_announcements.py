"""What the webhook was told, so that no change of verdict is forgotten."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """One table, the auditors' view over it, and the rights of the nightly audit."""
    _run("0007_announcements.sql")


def downgrade() -> None:
    """Takes it back."""
    _run("0007_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
