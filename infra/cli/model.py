"""`evenscreen model`: make model folders, stage by stage or whole, and measure them."""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.compare_models import compare
from evenscreen.infra.cli.making import making
from evenscreen.infra.cli.measure_models import bench, calibration, importances, layers, sweep, tones
from evenscreen.infra.cli.model_arguments import (
    RUN,
    DataOption,
    RecipeArgument,
    ReportedOption,
    RunOption,
)
from evenscreen.infra.cli.model_stages import add_stages

app = typer.Typer(help="Make, measure and compare models.", no_args_is_help=True)


@app.callback()
def model() -> None:
    """Make, measure and compare models."""


@app.command()
def build(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    out: Annotated[Path | None, typer.Option(help="Where the model goes; else RUN/folder.")] = None,
) -> None:
    """Do every stage of RECIPE and describe the model that comes out. Run it again to go on."""
    with making(recipe, data, run, reported) as made:
        made.build(out or run / "folder")


add_stages(app)
app.command("compare")(compare)
app.command("sweep")(sweep)
app.command("importances")(importances)
app.command("layers")(layers)
app.command("bench")(bench)
app.command("calibration")(calibration)
app.command("tones")(tones)
