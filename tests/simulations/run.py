"""How often audits err, with the truth planted: `make simulate` fills the tables of docs/AUDIT.md.

Every audit is drawn anew and judged by the code that judges real ones. A run that was stopped goes on where
it was: what is in `--out` is not computed again, and no figure depends on how many workers there are.
"""

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import get_args

from entries import Entry, Kind, wanted
from looks import chunk
from results import Results
from tables import tables

from evenscreen.pipeline.audit.plan import METRICS

BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
REPORT_S = 10.0


def main() -> None:
    given = _arguments()
    results = Results(given.tables or given.out)
    if given.tables is None:
        left = list(_chunks(results, given.audits, given.years, given.only, given.metric))
        simulate(results, left, given.workers, given.minutes)
    found = tables(results)
    if given.into is None:
        print(found)
    else:
        put_into(given.into, found)


def simulate(results: Results, left: list[tuple[Entry, int]], workers: int, minutes: float | None) -> None:
    """Chunks in order, until none is left or the time is up; what was begun is finished and kept."""
    if left:
        results.begin(f"{workers} processes on {_machine()}")
    begun, told, done, todo = time.monotonic(), 0.0, 0, iter(left)
    with ProcessPoolExecutor(workers) as pool:
        running: dict[Future[Counter[str]], tuple[Entry, int]] = {}
        while True:
            passed = time.monotonic() - begun
            if minutes is None or passed < 60 * minutes:
                for one in islice(todo, 2 * workers - len(running)):
                    running[pool.submit(chunk, *one)] = one
            if not running:
                break
            for finished in wait(running, return_when=FIRST_COMPLETED).done:
                results.add(*running.pop(finished), finished.result())
                done += 1
            if passed - told > REPORT_S:
                told = passed
                results.save()
                print(f"{passed:6.0f} s: {done} of {len(left)} chunks", file=sys.stderr, flush=True)
    results.save()
    print(f"{time.monotonic() - begun:6.0f} s: {done} of {len(left)} chunks", file=sys.stderr, flush=True)


def _chunks(
    results: Results, audits: int, years: int, only: str | None, metric: str | None = None
) -> Iterator[tuple[Entry, int]]:
    """All that are not there yet, each once."""
    seen: set[tuple[str, int]] = set()
    for entry, times in wanted(audits, years):
        if only not in (None, entry.kind) or metric not in (None, entry.metric):
            continue
        for number in range(-(-times // entry.chunk)):
            if (entry.name, number) not in seen and not results.has(entry, number):
                seen.add((entry.name, number))
                yield entry, number


def put_into(document: Path, found: str) -> None:
    """Between the markers of `document`, which has them once each."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n{found}\n{END}{after}", encoding="utf-8")


def _machine() -> str:
    models = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()})"


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=10_000, help="audits per entry")
    parser.add_argument("--years", type=int, default=2_000, help="years of nights per truth")
    parser.add_argument("--only", choices=get_args(Kind), help="nothing else")
    parser.add_argument("--metric", choices=METRICS, help="only gaps of this one")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--minutes", type=float, help="begin nothing after so many; what is done is kept")
    parser.add_argument("--out", type=Path, help="JSON file that keeps what is done, and is gone on with")
    parser.add_argument("--tables", type=Path, help="only render this file")
    parser.add_argument("--into", type=Path, help="document that gets the tables between its markers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
