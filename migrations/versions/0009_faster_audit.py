"""Faster figures at the same answers: counts by code instead of words, patients with packed counters."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = Path(__file__).parents[1] / "sql"
RESTORED = (
    ("0006_sums.sql", "FUNCTION figures.periods"),
    ("0006_sums.sql", "FUNCTION figures.unsummed"),
    ("0006_sums.sql", "FUNCTION audit.roll_up"),
    ("0005_weights.sql", "FUNCTION audit.reference_standards"),
    ("0003_metrics.sql", "FUNCTION figures.described"),
    ("0006_placements.sql", "OR REPLACE FUNCTION figures.placed"),
    ("0006_components.sql", "FUNCTION figures.halves"),
    ("0006_components.sql", "FUNCTION audit.skin_type_components"),
)
"""What stands in older revisions and was replaced."""


def upgrade() -> None:
    for part in ("sums", "cells", "description", "patients", "standards", "roles"):
        _run((SQL / f"0009_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """The functions of older revisions as they stand there."""
    for file, name in RESTORED:
        _run(_statement((SQL / file).read_text(encoding="utf-8"), name))
    _run((SQL / "0009_down.sql").read_text(encoding="utf-8"))


def _statement(script: str, name: str) -> str:
    begin = script.index(f"CREATE {name}")
    end = script.find("\nCREATE ", begin + 1)
    found = script[begin : end if end > 0 else len(script)]
    return found.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
