"""`evenscreen model compare`: is a compressed model no worse than its parent, and for whom?"""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.extras import training_extra
from evenscreen.infra.cli.failures import NOT_PROMOTABLE, NoInput
from evenscreen.infra.cli.model_arguments import DataOption, ReportedOption

SPLIT, MARGIN = "test", 0.01
"""What a promotion is decided by."""


def compare(
    parent: Annotated[
        Path, typer.Argument(help="Model folder to compare with.", exists=True, file_okay=False)
    ],
    candidate: Annotated[
        Path, typer.Argument(help="Model folder that is to take its place.", exists=True, file_okay=False)
    ],
    data: DataOption,
    reported: ReportedOption = None,
    split: Annotated[str, typer.Option(help="Which images of DATA.")] = SPLIT,
    margin: Annotated[float, typer.Option(help='Loss of AUROC that still counts as "no worse".')] = MARGIN,
    signed_by: Annotated[
        str | None,
        typer.Option(
            help="Who answers for reported groups without evidence; goes into CANDIDATE's manifest."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write everything that was found to this file.", dir_okay=False)
    ] = None,
) -> None:
    """Compare two models on the same images, overall and by skin type: may the second replace the first?

    Exit code 0 only if it may, 10 if not. With --signed-by and a yes, manifest.json and CARD.md of CANDIDATE
    are rewritten with what was found; a signature is for split test and the margin of 0.01 alone.
    """
    if not 0 < margin < 1:
        raise typer.BadParameter("it lies between 0 and 1, both excluded", param_hint="--margin")
    if signed_by is not None and (split, margin) != (SPLIT, MARGIN):
        raise typer.BadParameter(
            f"nobody signs for another split than {SPLIT} or another margin than {MARGIN}: the manifest "
            "would hold a promotion that means something else",
            param_hint="--signed-by",
        )
    if json is not None and not json.parent.is_dir():
        raise NoInput(f"there is no folder {json.parent} for the JSON file.")
    with training_extra():
        from evenscreen.compression.compare_folders import compare_folders
        from evenscreen.compression.comparison import recorded
        from evenscreen.compression.photographs_lineage import judged_by
        from evenscreen.compression.publish import describe
        from evenscreen.compression.steps import resumable
        from evenscreen.infra.show.comparison import show_comparison
        from evenscreen.pipeline.model import read_manifest
    with resumable("while comparing", "nothing was written"):
        found = compare_folders(parent, candidate, data, reported, split, margin, signed_by)
    show_comparison(found)
    if json is not None:
        json.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if not found.promotable:
        raise typer.Exit(NOT_PROMOTABLE)
    if found.signed_by:
        manifest = recorded(read_manifest(candidate), found)
        describe(manifest if reported is None else judged_by(manifest, reported), candidate)
