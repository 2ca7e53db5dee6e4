"""Imports of files that began and ended: an audit says when only a part of a file may be there."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """A table, the auditors' view over it, and the right of label workers to add to it."""
    _run("0011_label_imports.sql")


def downgrade() -> None:
    _run("0011_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
