"""The SQL of docs/AUDIT.md, and psql to run it with."""

import re
import shutil
import subprocess
from pathlib import Path

from evenscreen.infra.local.postgres_programs import INSTALLED, site_folder

DOCUMENT = Path(__file__).parents[2] / "docs" / "AUDIT.md"


def blocks() -> list[str]:
    """Every ```sql block, in order; later ones use what earlier ones set."""
    return re.findall(r"^```sql\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def psql(script: str, url: str, *options: str) -> str:
    """What psql prints; this machine's own, else the one that came with the embedded PostgreSQL.

    Raises AssertionError with what it complains of when a statement fails.
    """
    program = shutil.which("psql") or str(site_folder() / INSTALLED / "psql")
    told = subprocess.run(
        [program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *options, "--file=-", url],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout
