"""Faster questions and nights, same answers: what is new is found once, days say which periods changed."""

import re
from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = Path(__file__).parents[1] / "sql"
RESTORED = (
    ("0009_sums.sql", "OR REPLACE FUNCTION audit.roll_up"),
    ("0006_increment.sql", "FUNCTION audit.increment"),
    ("0008_ledger.sql", "FUNCTION audit.ledger"),
    ("0006_cells.sql", "FUNCTION figures.latency_cells"),
    ("0006_cells.sql", "FUNCTION figures.latencies"),
    ("0006_cells.sql", "FUNCTION figures.numbered_groups"),
    ("0006_cells.sql", "OR REPLACE FUNCTION figures.group_keys"),
    ("0009_cells.sql", "FUNCTION figures.coded"),
    ("0009_description.sql", "OR REPLACE FUNCTION figures.described"),
    ("0006_description.sql", "OR REPLACE FUNCTION figures.rated"),
    ("0006_description.sql", "OR REPLACE FUNCTION audit.histogram_metrics"),
    ("0006_description.sql", "FUNCTION audit.description"),
    ("0003_cases.sql", "FUNCTION figures.case_rows"),
    ("0003_cases.sql", "FUNCTION audit.cases"),
    ("0005_sums.sql", "FUNCTION audit.unlike_sums"),
    ("0003_increment.sql", "FUNCTION figures.changes"),
)
"""What stands in older revisions and was replaced, in the order in which one needs the other."""


def upgrade() -> None:
    for part in ("changes", "increment", "cells", "description", "ledger", "roles"):
        _run((SQL / f"0010_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """The functions of older revisions as they stand there."""
    for file, name in RESTORED:
        _run(_function((SQL / file).read_text(encoding="utf-8"), name))
    _run((SQL / "0010_down.sql").read_text(encoding="utf-8"))


def _function(script: str, name: str) -> str:
    found = script[script.index(f"CREATE {name}(") :]
    body = re.search(r"^(BEGIN ATOMIC|AS \$\$)$", found, re.MULTILINE)
    close = "\nEND;\n" if body and body[1] == "BEGIN ATOMIC" else "\n$$;\n"
    end = found.index(close) + len(close)
    return found[:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
