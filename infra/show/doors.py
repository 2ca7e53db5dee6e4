"""What the doors' commands say: progress and answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from evenscreen.producers.drop import Dropped
    from evenscreen.producers.reconciler import Report


@contextmanager
def counting(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, where that is a terminal; yields what advances it."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda images: progress.advance(task, images)


def show_reconciled(report: "Report", *, as_json: bool) -> None:
    """A sentence per bucket, or one JSON object."""
    if as_json:
        buckets = [{**asdict(bucket), "emitted": bucket.emitted} for bucket in report.buckets]
        print(json.dumps({"buckets": buckets, "emitted": report.emitted}, ensure_ascii=False))
        return
    for bucket in report.buckets:
        if bucket.emitted:
            found = f"{bucket.missing:,} were missing and {bucket.stuck:,} stuck: announced again"
        else:
            found = "nothing was missing"
        print(f"{bucket.bucket}: {bucket.listed:,} images listed, {found}.")


def show_dropped(dropped: "Dropped") -> int:
    """A sentence, and the names that were refused; returns the exit code (1 when any was)."""
    parts = [f"{len(dropped.stored):,} stored"]
    if dropped.already_there:
        parts.append(f"{len(dropped.already_there):,} already there")
    if dropped.refused:
        parts.append(f"{len(dropped.refused):,} refused, other images stand at their names (--replace)")
    print(", ".join(parts) + ".")
    for one in dropped.refused:
        print(f"  {one.source}")
    return 1 if dropped.refused else 0
