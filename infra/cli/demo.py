"""`evenscreen demo`: the main job, watched from drop to row."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where the demo keeps its stack; default: a fixed temporary folder.")
    ] = None,
) -> None:
    """See it work: 100 photographs, two workers, one killed on purpose, every image accounted for."""
    from evenscreen.infra.demo.story import tell_story

    tell_story(folder)
