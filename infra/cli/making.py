"""One run of a recipe, as the commands that make and measure models open it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evenscreen.infra.cli.extras import training_extra
from evenscreen.infra.cli.model_arguments import found

if TYPE_CHECKING:
    from evenscreen.compression.build import Build


@contextmanager
def making(recipe: Path, data: Path, run: Path, reported: Path | None) -> Iterator["Build"]:
    """The build of `recipe` in `run`. Ctrl-C says a sentence wherever it strikes, between two steps too."""
    with training_extra():
        # torch is slow to import: only commands that need it pay for it.
        from evenscreen.compression.build import Build
        from evenscreen.compression.steps import resumable
    with resumable("between two steps"):
        yield Build(found(recipe), data, run, reported)
