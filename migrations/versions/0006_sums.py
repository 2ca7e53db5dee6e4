"""Sums of every dimension by period instead of daily histograms; patients counted in two halves."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

SQL = Path(__file__).parents[1] / "sql"
RESTORED = (
    ("0003_tables.sql", "TABLE audit_histogram", "TABLE audit_period_sums"),
    (
        "0003_histogram.sql",
        "FUNCTION figures.histogram",
        "FUNCTION audit.roll_up",
        "FUNCTION figures.whole_day",
    ),
    ("0003_groups.sql", "FUNCTION figures.group_keys", "FUNCTION figures.grouped"),
    ("0003_histogram.sql", "FUNCTION figures.cells"),
    (
        "0003_metrics.sql",
        "FUNCTION figures.latencies",
        "FUNCTION figures.rated",
        "FUNCTION audit.histogram_metrics",
    ),
    ("0005_weights.sql", "FUNCTION figures.cells_by_site"),
    ("0003_placements.sql", "FUNCTION figures.placed", "FUNCTION audit.placements"),
    ("0003_calibration.sql", "FUNCTION audit.calibration_bins"),
    ("0003_components.sql", "FUNCTION figures.by_patient", "FUNCTION audit.components"),
    ("0003_increment.sql", "FUNCTION audit.increment"),
)
"""What stands in older revisions and was replaced, in the order in which each can be made."""
STRATUM = (
    "s.stratum_id, s.outcome, s.reason, s.flagged, s.malignant, s.contradictory, s.site, "
    "s.verification_reason"
)


def upgrade() -> None:
    """What was summed goes; `audit.increment()` sums it again."""
    for part in (
        "tables",
        "increment",
        "sums",
        "cells",
        "description",
        "weights",
        "placements",
        "patients",
        "components",
        "roles",
    ):
        _run(_read(f"0006_{part}.sql"))


def downgrade() -> None:
    """The functions of older revisions as they stand there, over empty sums."""
    _run(_read("0006_down_tables.sql"))
    for file, *names in RESTORED:
        for name in names:
            _run(_statement(_read(file), name))
    _run(_read("0006_down.sql"))


def _statement(script: str, name: str) -> str:
    """`CREATE name` with the indexes and comments that follow it."""
    begin = script.index(f"CREATE {name}")
    ends = [script.find(f"\nCREATE {kind} ", begin + 1) for kind in ("TABLE", "FUNCTION", "TYPE")]
    end = min((found for found in ends if found > 0), default=len(script))
    # Not the columns that this revision added: they could not be dropped afterwards.
    found = script[begin:end].replace("s.*,", f"{STRATUM},")
    return found.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _read(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
