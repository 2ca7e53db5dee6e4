"""A whole file is good or nothing of it is imported: every row, and every row beside every other."""

import hashlib
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from evenscreen.pipeline.labels.csv_file import Row
from evenscreen.pipeline.labels.problems import Problem, Problems
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.schemas.events import LabelArrived

TOLD_EVERY = 1_000
SKIN_TYPE = 8
"""Marks a skin type (1 to 6) among outcomes (0 and 1)."""


@dataclass
class Checked:
    """What a file holds: reports, rows that say what another row says, and what is wrong with it."""

    reports: int = 0
    repeats: int = 0
    problems: Problems = field(default_factory=Problems)


def reports(rows: Iterable[Row], reading: Reading) -> Iterator[tuple[int, LabelArrived | Problem]]:
    """Each row's report, or what is wrong with the row."""
    for number, cells in rows:
        yield number, (reading.report(number, cells) if isinstance(cells, Mapping) else cells)


def check(rows: Iterable[Row], reading: Reading, progress: Callable[[int], None]) -> Checked:
    """Reads every row; `progress` hears of rows as they pass. Memory grows by 28 bytes a report.

    Two rows of one object, source and time with different outcomes contradict each other, unless one names
    what it supersedes; with the same outcome one of them is a repeat. So it is with skin types.
    """
    checked = Checked()
    seen = _Seen()
    waiting = 0
    for number, report in reports(rows, reading):
        if isinstance(report, Problem):
            checked.problems.add(report)
        else:
            checked.reports += 1
            seen.add(number, report)
        waiting += 1
        if waiting == TOLD_EVERY:
            progress(waiting)
            waiting = 0
    progress(waiting)
    checked.repeats = seen.judge(checked.problems)
    return checked


class _Seen:
    """What every row says of what, as hashes: 2 million rows would not fit in memory as they are."""

    def __init__(self) -> None:
        self._about = array("Q")
        self._said = array("Q")
        self._rows = array("I")

    def add(self, number: int, report: LabelArrived) -> None:
        when = report.reported_at.timestamp()
        if (outcome := report.outcome) is not None and outcome.supersedes is None:
            self._note(number, ("outcome", report.reference, outcome.source, when), outcome.malignant)
        if (skin_type := report.skin_type) is not None:
            about = ("fst", report.reference, skin_type.fst_source, when)
            self._note(number, about, SKIN_TYPE | skin_type.fst)

    def _note(self, number: int, about: tuple[object, ...], said: int) -> None:
        digest = hashlib.blake2b(json.dumps(about).encode(), digest_size=16).digest()
        self._about.append(int.from_bytes(digest[:8]))
        # What is said in the lowest bits, more of the hash above.
        self._said.append(int.from_bytes(digest[8:]) & ~0xF | said)
        self._rows.append(number)

    def judge(self, problems: Problems) -> int:
        """Adds a problem for every row that contradicts the one before; returns how many repeat it."""
        about = np.frombuffer(self._about, dtype=np.uint64)
        said = np.frombuffer(self._said, dtype=np.uint64)
        rows = np.frombuffer(self._rows, dtype=np.uint32)
        key = said >> np.uint64(4)
        order = np.lexsort((rows, key, about))
        before, after = order[:-1], order[1:]
        same = (about[before] == about[after]) & (key[before] == key[after])
        other = same & (said[before] != said[after])
        is_skin_type = said[after[other]] & np.uint64(SKIN_TYPE) != 0
        found = zip(rows[after[other]].tolist(), rows[before[other]].tolist(), is_skin_type, strict=True)
        for row, first, skin_type in sorted(found):
            sentence = f"contradicts row {first:,}, which has the same object, source and time"
            problems.add(Problem(row, "fst" if skin_type else "outcome", sentence))
        return int((same & ~other).sum())
