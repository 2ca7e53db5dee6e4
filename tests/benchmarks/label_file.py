"""A CSV of outcome reports as a hospital exports it, from the file to the moment in which it counts."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import psycopg2
from figure import Findings
from peak import peak_mb
from place import Database, Place

from evenscreen.infra.local.reach import environment
from evenscreen.schemas.topics import LABELS_ARRIVED

EVENSCREEN = [sys.executable, "-m", "evenscreen.infra.cli"]
ENDED = "SELECT clock_timestamp() - finished_at FROM audit.label_imports WHERE finished_at IS NOT NULL"
POLL_S = 0.2


def write_labels(file: Path, rows: int) -> None:
    """`rows` reports of that many images, by screening id; the same file every time."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("screening_id", "outcome", "source", "reported_at", "verification_reason"))
        for number in range(rows):
            outcome = "benign" if number % 12 else "malignant"
            writer.writerow(
                (
                    UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128),
                    outcome,
                    "histopathology",
                    f"2026-{number % 9 + 1:02}-{number % 28 + 1:02}",
                    "routine",
                )
            )


def record_file(
    found: Place, database: Database, rows: int, findings: Findings, progress: Callable[[str], None]
) -> None:
    """Imports a file of `rows` labels, and has one label worker record it."""
    file = found.folder / "labels.csv"
    write_labels(file, rows)
    env = {
        **os.environ,
        **environment("labeller", found.reach),
        "EVENSCREEN_STATE_DIR": str(found.folder),
        "EVENSCREEN_DATABASE_URL": found.url(database, "labeller"),
        "EVENSCREEN_LABEL_GROUP": f"bench-{uuid4().hex[:12]}",
    }
    progress(f"import of {rows:,} labels")
    begun = time.monotonic()
    peak = peak_mb([*EVENSCREEN, "labels", "import", str(file)], env, found.folder)
    spent = time.monotonic() - begun
    findings.add("labels", f"import of {rows:,} rows, checked and published", "s", [spent])
    findings.add("labels", "memory of the import", "MB", [peak])
    progress("one label worker records them")
    begun = time.monotonic()
    with found.log("labels").open("wb") as log:
        worker = subprocess.Popen([*EVENSCREEN, "worker", "labels"], env=env, stdout=log, stderr=log)
        try:
            alone_s = _counted(found.url(database, "auditor"), worker)
        finally:
            worker.terminate()
            worker.wait()
    spent = time.monotonic() - begun
    findings.add("labels", f"{LABELS_ARRIVED}: recorded by one worker, until they count", "s", [spent])
    findings.add("labels", "of that, the one transaction in which they begin to count", "s", [alone_s])


def _counted(url: str, worker: "subprocess.Popen[bytes]") -> float:
    """How long after the end of the file was recorded it could be seen: until then it does not count."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while worker.poll() is None:
            cursor.execute(ENDED)
            if row := cursor.fetchone():
                return float(row[0].total_seconds())
            time.sleep(POLL_S)
    raise SystemExit("The label worker ended before the file was recorded.")
