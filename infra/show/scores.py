"""Scores of files, for a script (JSON lines) and for a person (a table)."""

import json
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evenscreen.infra.score import Score
from evenscreen.infra.show.doors import counting
from evenscreen.schemas.manifest import Manifest
from evenscreen.schemas.reasons import Outcome


def show_lines(scores: Iterable[Score]) -> int:
    """One JSON object per line and file on stdout; returns the exit code (1 when a file was rejected)."""
    worst = 0
    for score in scores:
        print(json.dumps(as_object(score), ensure_ascii=False), flush=True)
        worst = max(worst, int(score.decision is None))
    return worst


def as_object(score: Score) -> dict[str, object]:
    """The stable contract of `screen --json`."""
    decision = score.decision
    return {
        "file": str(score.file),
        "outcome": Outcome.SCREENED if decision else Outcome.REJECTED,
        "score": decision.score / 10_000 if decision else None,
        "probabilities": dict(zip(score.model.labels, decision.probabilities, strict=True))
        if decision
        else None,
        "flagged": decision.flagged if decision else None,
        "reason": score.reason,
        "model_version": score.model.model_version,
    }


def _counted(scores: Iterable[Score]) -> Iterator[Score]:
    """The same scores, counted on a terminal while they come: the table is printed when all are there."""
    with counting("Screening", None) as progress:
        for score in scores:
            yield score
            progress(1)


def show_table(scores: Iterable[Score], manifest: Manifest) -> int:
    """A table on stdout; returns the exit code (1 when a file was rejected)."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("file", "malignancy", "flagged", "most likely"):
        table.add_column(heading, justify="right" if heading == "malignancy" else "left")
    worst = 0
    for score in _counted(scores):
        if (decision := score.decision) is None:
            worst = 1
            table.add_row(
                escape(str(score.file)), "–", "[yellow]rejected[/]", f"{score.reason} {score.detail}".strip()
            )
            continue
        best = max(range(len(manifest.labels)), key=decision.probabilities.__getitem__)
        likely = f"{manifest.labels[best]} {decision.probabilities[best]:.0%}"
        flagged = "[red]yes[/]" if decision.flagged else "no"
        table.add_row(escape(str(score.file)), f"{decision.score / 100:.1f} %", flagged, likely)
    console = Console()
    console.print(table)
    console.print(
        f"[dim]{manifest.model_version}, for {manifest.intended_modality}: "
        "a research demonstration, not a medical device[/]"
    )
    return worst
