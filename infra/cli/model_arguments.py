"""What the commands that make models ask for."""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.failures import NoInput

RecipeArgument = Annotated[
    Path, typer.Argument(help="YAML file of what to make, or the name of a shipped one.", metavar="RECIPE")
]
DataOption = Annotated[
    Path,
    typer.Option(
        envvar="EVENSCREEN_HAM10000",
        help="Folder of images/ and labels.csv.",
        exists=True,
        file_okay=False,
    ),
]
ReportedOption = Annotated[
    Path | None,
    typer.Option(
        envvar="EVENSCREEN_PADUFES",
        help="Folder of images/ and a labels.csv with skin types that clinicians reported.",
        exists=True,
        file_okay=False,
    ),
]
RunOption = Annotated[Path, typer.Option(help="Where work is kept, so that it can go on.", file_okay=False)]
RUN = Path("runs/model")


def found(recipe: Path) -> Path:
    """The file itself, else the shipped recipe of that name."""
    import evenscreen.compression

    shipped = Path(str(evenscreen.compression.__file__)).parent / "recipes" / recipe.name
    for file in (recipe, shipped):
        if file.is_file():
            return file
    raise NoInput(f"There is no recipe {recipe}.")
