"""What the commands about labels say."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from uuid import UUID

    from evenscreen.pipeline.labels.check import Checked
    from evenscreen.pipeline.labels.sample import Sample

SAMPLE_COLUMNS = (
    "screening_id",
    "outcome",
    "source",
    "reported_at",
    "verification_reason",
    "sampling_probability",
)


def show_checked(checked: "Checked", batch_id: "UUID") -> None:
    """The first problems and their number on stderr, or that there is none."""
    problems = checked.problems
    if not problems.count:
        print(f"{checked.reports:,} rows can be imported as batch {batch_id}{_repeats(checked)}.")
        return
    for problem in problems.first:
        print(problem, file=sys.stderr)
    if problems.count > len(problems.first):
        print(f"… and {problems.count - len(problems.first):,} more.", file=sys.stderr)
    print(f"{problems.count:,} problems: nothing was imported.", file=sys.stderr)


def show_imported(checked: "Checked", batch_id: "UUID") -> None:
    """How many rows went where, and when they count."""
    print(
        f"{checked.reports:,} rows handed to the label workers as batch {batch_id}{_repeats(checked)}. "
        "They count together, once the workers have recorded all of them."
    )


def show_abandoned(batch_id: "UUID") -> None:
    """What was decided, and from when on it holds."""
    print(
        f"Batch {batch_id} is abandoned: unless all of it counts already, nothing of it will, and audits "
        "tell of it no longer once a label worker has recorded that."
    )


def _repeats(checked: "Checked") -> str:
    return f"; {checked.repeats:,} say what an earlier row says" if checked.repeats else ""


def write_sample(sample: "Sample", out: Path | None) -> None:
    """A CSV to fill in and import, to `out` or stdout; on stderr what it is."""
    if out is None:
        _write(sample, sys.stdout)
    else:
        with out.open("w", encoding="utf-8", newline="") as file:
            _write(sample, file)
    drawn = f"{len(sample.screening_ids):,} of {sample.population:,} unflagged cases without an outcome"
    when = f", drawn {sample.drawn_at:%Y-%m-%d %H:%M} UTC" if sample.drawn_at else ""
    print(f"{drawn}{when}; each had a chance of {sample.probability:.6g}.", file=sys.stderr)


def _write(sample: "Sample", file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(SAMPLE_COLUMNS)
    for screening_id in sample.screening_ids:
        writer.writerow([screening_id, "", "", "", "random_sample", repr(sample.probability)])
