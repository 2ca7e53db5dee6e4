"""Reports of a file count together, when all of it has come."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """A table in which reports wait, the function that lets them count, and patience with long writers."""
    _run(_script("0012_held_reports.sql"))


def downgrade() -> None:
    """Function and view of older revisions as they stand there."""
    for file, begin, end in (
        ("0003_increment.sql", "FUNCTION figures.settle", "COMMENT ON FUNCTION figures.settle"),
        ("0011_label_imports.sql", "VIEW audit.label_imports", "GRANT INSERT"),
    ):
        script = _script(file)
        _run("CREATE OR REPLACE " + script[script.index(f"CREATE {begin}") + 7 : script.index(end)])
    _run(_script("0012_down.sql"))


def _script(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


def _run(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
