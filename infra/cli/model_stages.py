"""One command per stage of a recipe: each does what is missing up to and including its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from evenscreen.infra.cli.making import making
from evenscreen.infra.cli.model_arguments import (
    RUN,
    DataOption,
    RecipeArgument,
    ReportedOption,
    RunOption,
)

if TYPE_CHECKING:
    from evenscreen.compression.build import Build

Stage = Callable[["Build"], Path]

STAGES: dict[str, tuple[str, Stage]] = {
    "guide": (
        "Fine-tune the pretrained networks that teach the parent; the last one's file is named.",
        lambda made: made.learning.guides()[-1],
    ),
    "parent": ("Train the parent on labels and on what its guides say.", lambda made: made.learning.parent()),
    "prune": (
        "Remove channels, hidden units and heads step by step, with fine-tuning after each.",
        lambda made: made.learning.pruned(made.recipe.pruning.ship),
    ),
    "distil": ("Let the parent teach what pruning left.", lambda made: made.learning.recovered()),
    "export": ("Write the candidate as FP32 ONNX.", lambda made: made.candidate.fp32()),
    "quantise": (
        "Write the candidate in the form that the recipe ships.",
        lambda made: made.candidate.model(),
    ),
    "calibrate": ("Choose temperature and threshold on val.", lambda made: made.candidate.decision()),
    "validate": (
        "Hold network, FP32 file and served file against each other on val, by simulated tone.",
        lambda made: made.candidate.validation(),
    ),
}


def add_stages(app: typer.Typer) -> None:
    """Register every stage as a command of `app`."""
    for name, (says, stage) in STAGES.items():
        app.command(name, help=says)(_command(stage))


def _command(stage: Stage) -> Callable[..., None]:
    def run_stage(
        recipe: RecipeArgument, data: DataOption, run: RunOption = RUN, reported: ReportedOption = None
    ) -> None:
        with making(recipe, data, run, reported) as made:
            typer.echo(str(stage(made)))

    return run_stage
