"""`evenscreen model`: make a model folder from a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.failures import NoInput
from evenscreen.schemas.errors import Fatal

app = typer.Typer(help="Make and describe models.", no_args_is_help=True)


@app.callback()
def model() -> None:
    """Make and describe models."""


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
    try:
        # torch is an extra and slow to import: only this command pays for it.
        from evenscreen.compression.build import build as build_model
    except ModuleNotFoundError as missing:
        raise Fatal(
            f"Making a model needs {missing.name}: install it with  pip install 'evenscreen[train]'"
        ) from None
    build_model(_found(recipe), data, out or run / "folder", run)


def _found(recipe: Path) -> Path:
    """The file itself, else the shipped recipe of that name."""
    import evenscreen.compression

    shipped = Path(str(evenscreen.compression.__file__)).parent / "recipes" / recipe.name
    for file in (recipe, shipped):
        if file.is_file():
            return file
    raise NoInput(f"There is no recipe {recipe}.")
