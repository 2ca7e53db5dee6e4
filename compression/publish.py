"""The model folder: the file, its manifest, its card."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from torch import nn

from evenscreen.compression.card import card
from evenscreen.compression.export import parameters
from evenscreen.compression.recipe import Recipe
from evenscreen.schemas.manifest import Calibration, Lineage, Manifest, OperatingPoint

MADE_WITH = ("evenscreen", "torch", "onnx", "onnxruntime", "numpy", "pillow")


class Decisive(BaseModel):
    """What val decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    operating_point: OperatingPoint


def draft(
    recipe_path: Path, recipe: Recipe, data_sha256: str, model: Path, network: nn.Module, decision: Path
) -> Manifest:
    """The manifest of the file `model`, complete but for results and latency."""
    decisive = Decisive.model_validate_json(decision.read_bytes())
    return Manifest(
        name=recipe.name,
        sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        parameters=parameters(network),
        preprocessing=recipe.preprocessing,
        labels=recipe.data.labels,
        malignant=recipe.data.malignant,
        calibration=decisive.calibration,
        operating_point=decisive.operating_point,
        intended_modality=recipe.data.intended_modality,
        intended_use=recipe.intended_use,
        lineage=Lineage(
            parent_sha256=None,
            recipe=recipe_path.name,
            recipe_sha256=hashlib.sha256(recipe_path.read_bytes()).hexdigest(),
            data=f"{recipe.data.name}. {recipe.data.citation}",
            data_sha256=data_sha256,
            data_licence=recipe.data.licence,
            seed=recipe.training.seed,
            versions={name: version(name) for name in MADE_WITH},
        ),
        results=(),
        latency=(),
    )


def publish(manifest: Manifest, model: Path, out_dir: Path) -> None:
    """Put model.onnx, manifest.json and CARD.md into `out_dir`, each whole or not at all.

    The manifest comes after the file it describes: a worker that starts in between refuses the folder.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    _replace(out_dir / "model.onnx", model.read_bytes())
    _replace(out_dir / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())
    _replace(out_dir / "CARD.md", card(manifest).encode())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
