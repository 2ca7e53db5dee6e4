"""What pruning costs and brings: one point per share of parameters removed, all in the shipped form.

Every point had the same short fine-tuning after its step and none of the longer lesson that the shipped model
gets, and all figures are from val: the sweep compares shares with each other, not models with the world.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from evenscreen.compression.build import Build
from evenscreen.compression.calibrate import scores
from evenscreen.compression.evaluate import interval, model_logits
from evenscreen.compression.finishing import Finishing
from evenscreen.compression.progress import counted
from evenscreen.compression.publish import Decisive
from evenscreen.compression.recipe import percent
from evenscreen.compression.steps import read_record, replace
from evenscreen.pipeline.evidence.intervals import delong_interval
from evenscreen.schemas.manifest import Interval


class Point(BaseModel):
    """One network in the shipped form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    removed: float
    """Share of the parent's parameters that is gone."""
    parameters: int
    macs: int
    size_bytes: int
    auroc: Interval
    worst_simulated_tone_auroc: float
    simulated_tone_gap: float
    """Largest difference in AUROC between two simulated tones; chance alone makes it larger than 0."""
    latency_ms: float
    """Batch 1, one thread, least disturbed of eight rounds."""
    machine: str


POINTS = TypeAdapter(tuple[Point, ...])


def sweep(making: Build) -> tuple[Point, ...]:
    """The parent and every share of the recipe's sweep that pruning reached, smallest share first.

    On return RUN/sweep.json holds them too.
    """
    plan, learning = making.recipe.pruning, making.learning
    networks = {0.0: learning.parent()} | {share: learning.pruned(share) for share in plan.sweep}
    reached = {share: network for share, network in networks.items() if _share(network) == share}
    whole = int(str(read_record(networks[0.0]).metrics["parameters"]))
    points = tuple(
        _point(making, share, network, whole) for share, network in counted(sorted(reached.items()), "sweep")
    )
    replace(making.run_dir / "sweep.json", POINTS.dump_json(points, indent=1))
    return points


def _share(network: Path) -> float:
    """What the step that made `network` removed: where pruning ended early, less than was asked for."""
    return float(str(read_record(network).metrics.get("removed", 0.0)))


def _point(making: Build, share: float, network: Path, whole: int) -> Point:
    recipe = making.recipe
    training = recipe.pruning.fine_tuning.training if share else recipe.parent.training
    name = f"sweep-{percent(share)}"
    finishing = making.finishing(name, network, training, recipe.quantisation, splits=("val",))
    made, latency = finishing.made, finishing.single()
    areas = _areas(making, finishing)
    tones = [area.value for tone, area in areas.items() if tone]
    return Point(
        removed=round(1 - made.parameters / whole, 4),
        parameters=made.parameters,
        macs=made.macs or 0,
        size_bytes=made.file.stat().st_size,
        auroc=areas[""],
        worst_simulated_tone_auroc=min(tones),
        simulated_tone_gap=max(tones) - min(tones),
        latency_ms=latency.median_ms,
        machine=latency.machine,
    )


def _areas(making: Build, finishing: Finishing) -> dict[str, Interval]:
    """AUROC on val as it was taken (no name) and on every simulated tone."""
    data, learning = making.recipe.data, making.learning
    decided = Decisive.model_validate_json(finishing.decision().read_bytes())
    malignant = learning.val.malignant(data)
    areas = {}
    for name, images in {"": learning.val.images, **learning.toned_val}.items():
        logits = model_logits(finishing.model(), images)
        ranked = scores(logits, decided.calibration, data.labels, data.malignant)
        areas[name] = interval(delong_interval(ranked, malignant), "delong")
    return areas
