"""`evenscreen screen`: score files here and now, with the workers' own pipeline; no broker, no database."""

from pathlib import Path
from typing import Annotated

import typer


def screen(
    paths: Annotated[
        list[Path], typer.Argument(help="Image files, or folders of images.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line and file.")] = False,
    model: Annotated[Path | None, typer.Option(help="Model folder; default: the shipped one.")] = None,
) -> None:
    """Score image files here and now: no broker, no database."""
    from evenscreen.infra.score import score_files
    from evenscreen.infra.show.scores import show_lines, show_table

    scores, manifest = score_files(paths, model)
    worst = show_lines(scores) if as_json else show_table(scores, manifest)
    raise typer.Exit(worst)
