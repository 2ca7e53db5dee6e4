"""One command per stage of a recipe: each does what is missing up to and including its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from evenscreen.compression.finishing import Finishing

Learning = Callable[["Build"], Path]
Finish = Callable[["Build", "Finishing"], Path]

LEARNING: dict[str, tuple[str, Learning]] = {
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
}

FINISHING: dict[str, tuple[str, Finish]] = {
    "export": ("Write the candidate as FP32 ONNX.", lambda _, one: one.fp32()),
    "quantise": ("Write the candidate in the form that the recipe ships.", lambda _, one: one.model()),
    "calibrate": ("Choose temperature and threshold on val.", lambda _, one: one.decision()),
    "validate": (
        "Hold network, FP32 file and served file against each other, by simulated tone and reported type.",
        lambda _, one: one.validation(),
    ),
    "evaluate": (
        "AUROC, sensitivity and specificity of the served form, test read.",
        lambda _, one: one.results(),
    ),
    "time": ("Time the served form, at batch 1 and 8, on one and two threads.", lambda _, one: one.latency()),
    "publish": (
        "Describe the served form in a folder of its own; only `build` compares it with its parent.",
        lambda made, one: made.described(one),
    ),
}


def add_stages(app: typer.Typer) -> None:
    """Register every stage as a command of `app`."""
    for name, (says, stage) in LEARNING.items():
        app.command(name, help=says)(_learning_command(stage))
    for name, (says, finish) in FINISHING.items():
        app.command(name, help=says)(_finishing_command(finish))


def _learning_command(stage: Learning) -> Callable[..., None]:
    def run_stage(
        recipe: RecipeArgument, data: DataOption, run: RunOption = RUN, reported: ReportedOption = None
    ) -> None:
        with making(recipe, data, run, reported) as made:
            typer.echo(str(stage(made)))

    return run_stage


def _finishing_command(stage: Finish) -> Callable[..., None]:
    def run_stage(
        recipe: RecipeArgument,
        data: DataOption,
        run: RunOption = RUN,
        reported: ReportedOption = None,
        parent: Annotated[
            bool, typer.Option("--parent", help="Of the parent, not of the candidate.")
        ] = False,
    ) -> None:
        with making(recipe, data, run, reported) as made:
            typer.echo(str(stage(made, made.parent if parent else made.candidate)))

    return run_stage
