"""Ground truth that arrives late: outcome and skin-type reports, what they say of each screening, samples."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Tables first, then the views and functions over them, then who may do what."""
    _run("0002_tables.sql")
    _run("0002_outcomes.sql")
    _run("0002_skin_types.sql")
    _run("0002_samples.sql")
    _run("0002_roles.sql")


def downgrade() -> None:
    """Takes the reports with it."""
    _run("0002_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
