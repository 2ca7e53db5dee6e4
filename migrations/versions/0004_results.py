"""Plans and results of audits."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Tables, the auditors' views over them, and the role that adds results."""
    _run("0004_results.sql")


def downgrade() -> None:
    """Takes back everything but the group role, which other databases of the cluster may use."""
    _run("0004_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
