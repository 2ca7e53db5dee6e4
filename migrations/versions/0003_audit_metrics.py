"""Metrics in SQL: cases as known at a time, figures by group, what verdicts are computed from, histograms."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """In the order of a figure: cases, what changed among them, groups, counts, placements, figures."""
    for part in (
        "tables",
        "cases",
        "increment",
        "groups",
        "histogram",
        "placements",
        "components",
        "metrics",
        "calibration",
        "roles",
    ):
        _run(f"0003_{part}.sql")


def downgrade() -> None:
    """Takes the sums with it; they can be made again."""
    _run("0003_down.sql")


def _run(name: str) -> None:
    script = (SQL / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
