"""Sums of days: windows from midnight to midnight read no rows. One pass over counts. Same answers."""

import re
from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"

SQL = Path(__file__).parents[1] / "sql"
RESTORED = (
    ("0010_cells.sql", "FUNCTION figures.coded"),
    ("0010_cells.sql", "OR REPLACE FUNCTION figures.coded"),
    ("0010_description.sql", "FUNCTION figures.described"),
    ("0010_description.sql", "FUNCTION figures.latencies"),
    ("0010_description.sql", "FUNCTION figures.rated"),
    ("0006_sums.sql", "FUNCTION figures.counted"),
    ("0010_increment.sql", "FUNCTION figures.summed_dimensions"),
    ("0010_increment.sql", "OR REPLACE FUNCTION audit.roll_up"),
    ("0009_sums.sql", "OR REPLACE FUNCTION figures.periods"),
)
"""What stands in older revisions and was replaced, in the order in which one needs the other."""


def upgrade() -> None:
    for part in ("days", "counts", "description", "roles"):
        _run((SQL / f"0013_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """The functions of older revisions as they stand there."""
    for file, name in RESTORED:
        _run(_function((SQL / file).read_text(encoding="utf-8"), name))
    _run((SQL / "0013_down.sql").read_text(encoding="utf-8"))


def _function(script: str, name: str) -> str:
    found = script[script.index(f"CREATE {name}(") :]
    body = re.search(r"^(BEGIN ATOMIC|AS \$\$)$", found, re.MULTILINE)
    close = "\nEND;\n" if body and body[1] == "BEGIN ATOMIC" else "\n$$;\n"
    end = found.index(close) + len(close)
    return found[:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
