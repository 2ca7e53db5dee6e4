"""`evenscreen model sweep | importances | layers | bench | calibration | tones`: figures to look at."""

from pathlib import Path
from typing import Annotated

import typer

from evenscreen.infra.cli.extras import training_extra
from evenscreen.infra.cli.failures import NoInput
from evenscreen.infra.cli.making import making
from evenscreen.infra.cli.model_arguments import (
    RUN,
    DataOption,
    RecipeArgument,
    ReportedOption,
    RunOption,
)


def sweep(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw it: .svg, .png or .pdf; else RUN/sweep.svg.", dir_okay=False)
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Markdown file whose marked table is replaced.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """What pruning costs and brings: parameters, size, AUROC, gap and latency by share removed."""
    with training_extra():
        from evenscreen.compression.sweep import sweep as swept
        from evenscreen.compression.sweep_figure import draw, parted, put_into, table
    if into is not None:
        parted(into)
    with making(recipe, data, run, reported) as made:
        points = swept(made)
    draw(points, figure or run / "sweep.svg")
    typer.echo(table(points))
    if into is not None:
        put_into(into, table(points))


def importances(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    removed: Annotated[
        float, typer.Option(help="Share of the parent's parameters to remove.", min=0.01, max=0.9)
    ] = 0.3,
    images: Annotated[
        int | None,
        typer.Option(help="Ask about so many images of val, all malignant ones among them; else all.", min=2),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.", dir_okay=False)] = None,
) -> None:
    """Prune the parent at once by each importance, without fine-tuning, and see what AUROC is left."""
    with training_extra():
        from evenscreen.compression.importance_trial import trial, trial_table
    with making(recipe, data, run, reported) as made:
        tried = trial(made, removed, images)
    typer.echo(trial_table(tried))
    if json is not None:
        json.write_text(tried.model_dump_json(indent=2) + "\n", encoding="utf-8")


def layers(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.", dir_okay=False)] = None,
) -> None:
    """Layer by layer, what pruning took: channels, hidden units, heads, parameters, multiplications."""
    with training_extra():
        from pydantic import TypeAdapter
        from rich.console import Console

        from evenscreen.compression.layers import LayerRow, layer_report, layer_table
        from evenscreen.compression.widths import load_pruned
    with making(recipe, data, run, reported) as made:
        before, after = made.learning.parent(), made.learning.pruned(made.recipe.pruning.ship)
        rows = layer_report(load_pruned(before), load_pruned(after), made.recipe.preprocessing.height)
    Console().print(layer_table(rows))
    if json is not None:
        json.write_bytes(TypeAdapter(list[LayerRow]).dump_json(rows, indent=2))


def bench(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    rounds: Annotated[int, typer.Option(help="How often everything is timed.", min=1)] = 8,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.", dir_okay=False)] = None,
) -> None:
    """Time parent and candidate in every form, interleaved, beside ResNet-50 in INT8."""
    with training_extra():
        from rich.console import Console

        from evenscreen.compression.bench import bench_table
        from evenscreen.compression.bench_forms import bench_forms
    with making(recipe, data, run, reported) as made:
        report = bench_forms(made, rounds)
    Console().print(bench_table(report))
    if json is not None:
        json.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def calibration(
    recipe: RecipeArgument,
    data: DataOption,
    run: RunOption = RUN,
    reported: ReportedOption = None,
    seeds: Annotated[int, typer.Option(help="How many draws of images for each way.", min=1)] = 3,
) -> None:
    """What it changes to read INT8's ranges from all simulated tones: flips, random against balanced."""
    with training_extra():
        from rich.console import Console

        from evenscreen.compression.calibration_images import effects_table
    with making(recipe, data, run, reported) as made:
        effects = made.candidate.calibration_effects(seeds)
    Console().print(effects_table(effects))


def tones(
    images: Annotated[Path, typer.Argument(help="Folder of images.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Argument(help="PNG to write.", dir_okay=False)],
    count: Annotated[int, typer.Option(help="How many, in the order of their names.", min=1, max=50)] = 8,
    side: Annotated[int, typer.Option(help="Side of each in pixels.", min=16, max=512)] = 128,
    credit: Annotated[str, typer.Option(help="What their licence wants said.")] = "",
) -> None:
    """Draw a contact sheet: images as they are and at the six simulated skin tones."""
    with training_extra():
        from evenscreen.compression.contact_sheet import contact_sheet, first_images
    chosen = first_images(images, count, side)
    if not len(chosen):
        raise NoInput(f"There is no JPEG or PNG in {images}.")
    contact_sheet(chosen, out, credit)
