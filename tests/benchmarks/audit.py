"""The audit of ten million images: figures beside their goals. Run by path; `--help` lists the sizes.

Fills a database of its own by COPY, sums it as the nightly audit does, then asks. Takes about twenty minutes
and 15 GiB of disk. Processor time is that of the database's processes.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg2
import report
from audit_cases import DAYS, MODEL, Numbered, fill
from figure import Findings, Goal
from label_file import record_file
from machine import describe
from peak import peak_mb
from place import Database, Place, place
from rich.console import Console

from evenscreen.infra.local import postgres

WINDOWS = {
    "all until some noon": ("1970-01-01", "2026-09-12 13:00"),
    "from the middle of a month to that of another": ("2025-01-17", "2026-08-13"),
    "one week": ("2025-05-08", "2025-05-15"),
}
FASTER = "at most"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(days=1)
"""What is written while the benchmark runs was known before today, as a nightly audit finds it."""


@dataclass(frozen=True)
class Spent:
    """Wall clock and processor time of the database, in seconds."""

    wall_s: float
    cpu_s: float


class Clock:
    """Measures what is done inside `with clock.spent() as spent`."""

    def __init__(self, found: Place, connection: "psycopg2.extensions.connection") -> None:
        self._found, self._backend = found, psutil.Process(connection.info.backend_pid)

    @contextmanager
    def spent(self) -> Iterator[list[Spent]]:
        """The list holds one entry afterwards."""
        result: list[Spent] = []
        cpu, wall = self._cpu_s(), time.monotonic()
        yield result
        elapsed = time.monotonic() - wall
        time.sleep(0.5)  # ended processes are counted once their parent has seen them end
        result.append(Spent(elapsed, self._cpu_s() - cpu))

    def _cpu_s(self) -> float:
        server = postgres.running(self._found.state)
        assert server is not None, "the database ended during the benchmark"
        ended, own = server.cpu_times(), self._backend.cpu_times()
        return float(ended.children_user + ended.children_system + own.user + own.system)


def main() -> None:
    given = _arguments()
    console = Console(stderr=True, highlight=False)
    begun, findings, machine = time.monotonic(), Findings(), describe()

    def progress(doing: str) -> None:
        console.print(f"{time.monotonic() - begun:6.0f} s  {doing}")

    with place() as found:
        database = found.database()
        with closing(postgres.connection(found.state, database.url.rsplit("/", 1)[1])) as superuser:
            clock = Clock(found, superuser)
            _fill_and_sum(superuser, clock, given, findings, progress)
            _describe(superuser, clock, given, findings, progress)
            _audits(found, database, clock, given, findings, progress)
            _learn(superuser, given, given.rounds, TODAY - timedelta(minutes=1), progress)
            _unsummed(superuser, found, database, clock, given, findings, progress)
            _nightly(found, database, clock, findings, progress)
            _learn(superuser, given, given.rounds + 1, TODAY + timedelta(minutes=1), progress)
            _hourly(superuser, clock, given, findings, progress)
        if given.labels:
            record_file(found, database, given.labels, findings, progress)
    report.show(findings, Console(highlight=False, width=None if sys.stdout.isatty() else 130))
    for name, value in machine.items():
        print(f"{name}: {value}")
    if given.json:
        given.json.write_text(
            json.dumps({"machine": machine, "figures": [one.as_json() for one in findings.figures]}, indent=2)
        )


def _fill_and_sum(
    superuser: "psycopg2.extensions.connection",
    clock: Clock,
    given: argparse.Namespace,
    findings: Findings,
    progress: Callable[[str], None],
) -> None:
    patients = int(given.images / 2.5)
    fill(superuser, Numbered(1, given.images), patients, progress)
    with superuser.cursor() as cursor:
        for what, statement in (
            ("the first increment, of everything", f"SELECT * FROM audit.increment('{YESTERDAY}')"),
            ("the first sums of all periods", "SELECT audit.roll_up()"),
        ):
            progress(what)
            with clock.spent() as spent:
                cursor.execute(statement)
            _add(findings, "sums", what, spent)
            cursor.execute(
                "VACUUM ANALYZE audit_entries, audit_strata, audit_groups, audit_sums, audit_stratum_sums,"
                " audit_periods"
            )
        nights: list[Spent] = []
        for night in range(given.rounds):
            known = YESTERDAY + (night + 1) * timedelta(minutes=1)
            _learn(superuser, given, night, known, progress)
            progress(f"increment of night {night + 1}")
            with clock.spent() as spent:
                cursor.execute(f"SELECT * FROM audit.increment('{known}')")
                cursor.execute("SELECT audit.roll_up()")
            nights += spent
        _add(findings, "sums", f"increment of {given.nightly:,} images", nights, Goal(5.0, FASTER))


def _learn(
    superuser: "psycopg2.extensions.connection",
    given: argparse.Namespace,
    night: int,
    known: datetime,
    progress: Callable[[str], None],
) -> None:
    """What one night brings, its `night`-th since the first sums."""
    images = Numbered(
        given.images + 1 + night * given.nightly,
        given.nightly,
        (DAYS + night, DAYS + night + 1.0),
        known,
    )
    fill(superuser, images, int(given.images / 2.5), progress)


def _describe(
    superuser: "psycopg2.extensions.connection",
    clock: Clock,
    given: argparse.Namespace,
    findings: Findings,
    progress: Callable[[str], None],
) -> None:
    asked = (
        ("histogram_metrics", "fst_group", "by fst_group", Goal(1.0, "below")),
        ("histogram_metrics", "site", "by site", Goal(1.0, "below")),
        ("weighted_scores", "fst_group", "weighted by fst_group", None),
        ("reference_standards", "fst_group", "reference standards by fst_group", None),
    )
    with superuser.cursor() as cursor:
        for function, dimension, what, goal in asked:
            for name, (since, until) in WINDOWS.items():
                progress(f"{what}, {name}")
                rounds = _answered(cursor, clock, given, function, (since, until, MODEL, dimension))
                _add(findings, "description", f"{what}: {name}", rounds, goal)


def _answered(
    cursor: "psycopg2.extensions.cursor",
    clock: Clock,
    given: argparse.Namespace,
    function: str,
    question: tuple[str, str, str, str],
) -> list[Spent]:
    """What a function of schema audit costs, round by round; `question`: since, until, model, dimension."""
    rounds: list[Spent] = []
    for _ in range(given.rounds):
        with clock.spent() as spent:
            cursor.execute(f"SELECT * FROM audit.{function}(%s, %s, clock_timestamp(), %s, %s)", question)
        rounds += spent
    return rounds


def _audits(
    found: Place,
    database: Database,
    clock: Clock,
    given: argparse.Namespace,
    findings: Findings,
    progress: Callable[[str], None],
) -> None:
    """The command, as a person runs it: ledger, verdicts, all descriptions, curves, on record."""
    rounds: list[Spent] = []
    peaks: list[float] = []
    for number in range(given.rounds):
        progress(f"full audit {number + 1}")
        spent, peak = _audited(found, database, clock)
        rounds += spent
        peaks.append(peak)
    _add(findings, "audit", "full audit with verdicts", rounds, Goal(20.0, "below"))
    findings.add("audit", "memory of the client", "MB", peaks, Goal(300.0, "below"))


def _unsummed(
    superuser: "psycopg2.extensions.connection",
    found: Place,
    database: Database,
    clock: Clock,
    given: argparse.Namespace,
    findings: Findings,
    progress: Callable[[str], None],
) -> None:
    """The same questions by day, where no increment has seen yet what came since midnight."""
    progress("questions before the increment")
    question = (*WINDOWS["all until some noon"], MODEL, "fst_group")
    with superuser.cursor() as cursor:
        rounds = _answered(cursor, clock, given, "histogram_metrics", question)
    _add(findings, "by day", f"by fst_group, {given.nightly:,} images not yet summed", rounds)
    spent, _ = _audited(found, database, clock)
    _add(findings, "by day", f"full audit, {given.nightly:,} images not yet summed", spent)


def _hourly(
    superuser: "psycopg2.extensions.connection",
    clock: Clock,
    given: argparse.Namespace,
    findings: Findings,
    progress: Callable[[str], None],
) -> None:
    """By day, when what came since midnight was added up, as `evenscreen audit hourly` does."""
    progress("questions behind the hourly increment")
    with superuser.cursor() as cursor:
        cursor.execute("SELECT audit.increment()")
        cursor.execute("SELECT audit.roll_up()")
        for dimension in ("fst_group", "site"):
            for name, window in WINDOWS.items():
                question = (*window, MODEL, dimension)
                rounds = _answered(cursor, clock, given, "histogram_metrics", question)
                what = f"by {dimension}, {given.nightly:,} images added up by the hour: {name}"
                _add(findings, "by day", what, rounds, Goal(1.0, "below"))


def _nightly(
    found: Place, database: Database, clock: Clock, findings: Findings, progress: Callable[[str], None]
) -> None:
    """The command, as cron runs it once a night: what the day brought is summed, then the same."""
    progress("nightly audit")
    spent, peak = _audited(found, database, clock, "nightly")
    _add(findings, "audit", "nightly audit: increment, sums, full audit", spent)
    findings.add("audit", "memory of the nightly client", "MB", [peak], Goal(300.0, "below"))


def _audited(found: Place, database: Database, clock: Clock, *how: str) -> tuple[list[Spent], float]:
    """What `evenscreen audit` cost the database, and the most memory in MB that it held itself."""
    command = [sys.executable, "-m", "evenscreen.infra.cli", "audit", *how, "--json"]
    with clock.spent() as spent:
        peak = peak_mb(
            command, {**os.environ, "EVENSCREEN_DATABASE_URL": found.url(database, "nightly")}, found.folder
        )
    return spent, peak


def _add(findings: Findings, section: str, what: str, rounds: list[Spent], goal: Goal | None = None) -> None:
    cpu = " ".join(f"{one.cpu_s:.1f}" for one in rounds)
    findings.add(section, what, "s", [one.wall_s for one in rounds], goal, f"processor s: {cpu}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the audit at scale on this machine.")
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--nightly", type=int, default=100_000, help="images of one night")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=2_000_000, help="rows of an import; 0: none")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
