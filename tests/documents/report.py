"""The report in docs/AUDIT.md: `make report` makes it of real photographs, with the product's commands alone.

Step 1  a stack of its own in a temporary folder, the photographs of PAD-UFES-20 in its bucket
Step 2  `evenscreen reconcile` announces them, one worker screens them
Step 3  `evenscreen labels import` hands in their outcomes, the label worker writes them
Step 4  the owner of the database sets every Last-Modified back, since outcomes are due after 90 days
Step 5  `evenscreen audit` says what there is to say
Step 6  every SQL block of the document runs in psql, as the auditor

Without `--into` it prints the report. The folder of photographs is ../shared/data/pad_ufes_300 unless named.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2
from sql_blocks import blocks, psql

from evenscreen.infra.local import stack
from evenscreen.infra.local.reach import Reach
from evenscreen.infra.local.settings import StackSettings
from evenscreen.pipeline.store.sidecar import render_sidecar

EVENSCREEN = (sys.executable, "-P", "-m", "evenscreen.infra.cli")
PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "pad_ufes_300"
BEGIN, END = "<!-- report: begin -->", "<!-- report: end -->"
REPORTED = datetime.now(UTC) - timedelta(days=20)
BACK = "UPDATE {} SET last_modified = last_modified - interval '120 days'"
PATIENCE_S = 120
VERDICTS = (0, 10, 11, 12)

Row = dict[str, str]


def main() -> None:
    given = _arguments()
    with (given.photographs / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with _stack() as (folder, reach):
        report = _report(folder, reach, given.photographs, rows)
        answers = psql("\n".join(blocks()), reach.database_urls["auditor"])
    lines = [line.rstrip() for line in report.splitlines()]
    text = "\n".join(["```text", "$ evenscreen audit", *lines, "```"])
    if given.into is None:
        print(f"{text}\n\n{answers}")
        return
    whole = given.into.read_text(encoding="utf-8")
    before, rest = whole.split(BEGIN)
    given.into.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _report(folder: Path, reach: Reach, photographs: Path, rows: list[Row]) -> str:
    bucket = Path(unquote(urlsplit(reach.bucket).path))
    for row in rows:
        _store(bucket, photographs / "images" / row["image"], row)
    with _working(folder, "screening"), _working(folder, "labels"):
        _evenscreen(folder, "reconcile")
        _wait(reach, "SELECT count(*) FROM audit.screenings", len(rows))
        _evenscreen(folder, "labels", "import", str(_outcomes(folder / "outcomes.csv", rows)), "--bucket",
                    bucket.name, "--by", "pathology")  # fmt: skip
        _wait(reach, "SELECT count(finished_at) FROM audit.label_imports", 1)
    with psycopg2.connect(reach.database_urls["owner"]) as connection, connection.cursor() as cursor:
        for table in ("arrivals", "audit_records", "listings"):
            cursor.execute(BACK.format(table))
    return _evenscreen(folder, "audit")


def _store(bucket: Path, photograph: Path, row: Row) -> None:
    """A photograph and, before it, its side-car."""
    told = {"patient": row["patient"], "modality": "smartphone", "body_site": row["region"].lower()}
    told |= {name: row[name].lower() for name in ("age", "sex") if row[name]}
    if row["fst"]:
        told |= {"fst": row["fst"], "fst_source": "reported"}
    (bucket / f"{row['image']}.json").write_bytes(render_sidecar(told))
    shutil.copyfile(photograph, bucket / row["image"])


def _outcomes(file: Path, rows: list[Row]) -> Path:
    """PAD-UFES-20 has a biopsy of every cancer; other diagnoses are a consensus of dermatologists."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("key", "outcome", "source", "reported_at", "verification_reason"))
        for row in rows:
            outcome = "malignant" if row["malignant"] == "1" else "benign"
            source, reason = (
                ("histopathology", "clinical") if row["biopsied"] == "True" else ("consensus", "routine")
            )
            writer.writerow((row["image"], outcome, source, REPORTED.isoformat(), reason))
    return file


@contextmanager
def _stack() -> Iterator[tuple[Path, Reach]]:
    folder = Path(tempfile.mkdtemp(prefix="evenscreen-report-"))
    folder.chmod(0o711)
    settings = StackSettings(state_dir=folder, kafka=None, database_url=None, bucket=None)
    try:
        yield folder, stack.up(settings)
    finally:
        stack.down(settings)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _working(folder: Path, kind: str) -> Iterator[None]:
    with (folder / f"{kind}.log").open("wb") as log:
        worker = subprocess.Popen(
            [*EVENSCREEN, "worker", kind], env=_environment(folder), stdout=log, stderr=log
        )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def _evenscreen(folder: Path, *command: str) -> str:
    told = subprocess.run(
        [*EVENSCREEN, *command], env=_environment(folder), stdout=subprocess.PIPE, text=True, check=False
    )
    if told.returncode not in (VERDICTS if command == ("audit",) else (0,)):
        raise SystemExit(f"evenscreen {command[0]} ended with {told.returncode}")
    return told.stdout


def _environment(folder: Path) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}
    return {**bare, "EVENSCREEN_STATE_DIR": str(folder), "EVENSCREEN_RECONCILE_GRACE_S": "0"}


def _wait(reach: Reach, query: str, rows: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with psycopg2.connect(reach.database_urls["auditor"]) as connection, connection.cursor() as cursor:
        while True:
            cursor.execute(query)
            if cursor.fetchone() == (rows,):
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"Not {rows} rows within {PATIENCE_S} s: {query}")
            time.sleep(0.5)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the report of docs/AUDIT.md again.")
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument(
        "--into", type=Path, metavar="docs/AUDIT.md", help="write it there, between its marks"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
