"""The pass over patients looks strata up in an array; weights merge no cells. Same answers."""

import re
from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"

SQL = Path(__file__).parents[1] / "sql"
RESTORED = (
    ("0009_patients.sql", "FUNCTION figures.patient_codes"),
    ("0009_patients.sql", "FUNCTION figures.half_of_patient_codes"),
    ("0009_patients.sql", "FUNCTION figures.halves"),
    ("0009_patients.sql", "OR REPLACE FUNCTION audit.skin_type_components"),
    ("0006_weights.sql", "OR REPLACE FUNCTION figures.cells_by_site"),
    ("0005_weights.sql", "FUNCTION audit.weighted_scores"),
)
"""What stands in older revisions and was replaced, in the order in which one needs the other."""


def upgrade() -> None:
    for part in ("patients", "weights"):
        _run((SQL / f"0014_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """The functions of older revisions as they stand there."""
    for file, name in RESTORED:
        _run(_function((SQL / file).read_text(encoding="utf-8"), name))
    _run((SQL / "0014_down.sql").read_text(encoding="utf-8"))


def _function(script: str, name: str) -> str:
    found = script[script.index(f"CREATE {name}(") :]
    body = re.search(r"^(BEGIN ATOMIC|AS \$\$)$", found, re.MULTILINE)
    close = "\nEND;\n" if body and body[1] == "BEGIN ATOMIC" else "\n$$;\n"
    end = found.index(close) + len(close)
    return found[:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
