"""`evenscreen model`: make model folders and compare them."""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.compare_models import compare
from evenscreen.infra.cli.extras import training_extra
from evenscreen.infra.cli.failures import NoInput

app = typer.Typer(help="Make and compare models.", no_args_is_help=True)


@app.callback()
def model() -> None:
    """Make and compare models."""


@app.command()
def build(
    recipe: Annotated[Path, typer.Argument(help="YAML file of what to make, or the name of a shipped one.")],
    data: Annotated[
        Path,
        typer.Option(envvar="EVENSCREEN_HAM10000", help="Folder of images/ and labels.csv.", exists=True),
    ],
    run: Annotated[Path, typer.Option(help="Where work is kept, so that it can go on.")] = Path("runs/model"),
    out: Annotated[Path | None, typer.Option(help="Where the model goes; else RUN/folder.")] = None,
) -> None:
    """Train, export, quantise, calibrate, evaluate and describe one model. Run it again to go on."""
    with training_extra():
        # torch is slow to import: only this command pays for it.
        from evenscreen.compression.build import build as build_model
    build_model(_found(recipe), data, out or run / "folder", run)


app.command("compare")(compare)


def _found(recipe: Path) -> Path:
    """The file itself, else the shipped recipe of that name."""
    import evenscreen.compression

    shipped = Path(str(evenscreen.compression.__file__)).parent / "recipes" / recipe.name
    for file in (recipe, shipped):
        if file.is_file():
            return file
    raise NoInput(f"There is no recipe {recipe}.")
