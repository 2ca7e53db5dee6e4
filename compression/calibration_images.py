"""Which images set the ranges of activations, and what difference the choice makes.

Ranges read from light skin alone can cut off what darker skin excites. Whether they do is measured here.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from evenscreen.compression.evaluate import interval, model_logits
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Quantisation
from evenscreen.pipeline.decide import decide
from evenscreen.pipeline.evidence.intervals import wilson_interval
from evenscreen.schemas.manifest import Interval, Manifest

Images = npt.NDArray[np.uint8]
Calibration = Literal["random", "balanced"]

AtTone = Callable[[npt.NDArray[np.int64], int], Images]
"""Some of the training images, by their places int64 [k], at a simulated tone 1..6: uint8 [k, H, W, 3]."""

WEIGHTS = (1, 1, 1, 1, 2, 2)
"""How often each tone I..VI is shown: the darkest, which training data has least of, twice."""


class CalibrationEffect(BaseModel):
    """One quantised file on the images of one group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    seed: int
    group: str
    n: int
    flips: Interval
    """Share of images that only one of the quantised and the FP32 file flags."""


def calibration_images(images: Images, at_tone: AtTone, plan: Quantisation, seed: int) -> Images:
    """`plan.images` images (fewer where there are fewer) from training `images` uint8 [n, H, W, 3].

    balanced  rendered by `at_tone`, every tone by its WEIGHTS
    random    as they were taken

    No photograph is taken twice. Same arguments, same images.
    """
    chosen = np.random.default_rng(seed).permutation(len(images))[: plan.images]
    if plan.calibration == "random":
        return images[chosen]
    ends = np.rint(np.cumsum(WEIGHTS) / sum(WEIGHTS) * len(chosen)).astype(int)
    shares = np.split(chosen, ends[:-1])
    return np.concatenate([at_tone(share, tone) for tone, share in enumerate(shares, 1)])


def calibration_effects(
    fp32: Path,
    train: tuple[Images, AtTone],
    judged: Mapping[str, Images],
    plan: Quantisation,
    manifest: Manifest,
    seeds: Iterable[int],
) -> tuple[CalibrationEffect, ...]:
    """Quantise `fp32` under both ways of choosing images, once per seed, and count flips in every group.

    `train` is (images, at_tone) as in `calibration_images`; `judged` maps a group to its images, none of them
    trained on; `manifest` holds the operating point.
    """
    flagged = {group: _flagged(fp32, images, manifest) for group, images in judged.items()}
    ways: tuple[Calibration, ...] = ("random", "balanced")
    return tuple(
        effect
        for seed in seeds
        for way in ways
        for effect in _effects(fp32, train, judged, flagged, plan, manifest, seed, way)
    )


def effects_table(effects: Iterable[CalibrationEffect]) -> Table:
    """Flips by group, both ways beside each other, all seeds of a way in one cell."""
    table = Table("group", "n", "flips, random", "flips, balanced", title="What calibration images change")
    rows = list(effects)
    for group in dict.fromkeys(row.group for row in rows):
        of_group = [row for row in rows if row.group == group]
        cells = (
            ", ".join(f"{row.flips.value:.2%}" for row in of_group if row.calibration == way)
            for way in ("random", "balanced")
        )
        table.add_row(group, str(of_group[0].n), *cells)
    return table


def _effects(
    fp32: Path,
    train: tuple[Images, AtTone],
    judged: Mapping[str, Images],
    expected: Mapping[str, npt.NDArray[np.bool_]],
    plan: Quantisation,
    manifest: Manifest,
    seed: int,
    way: Calibration,
) -> list[CalibrationEffect]:
    chosen = plan.model_copy(update={"calibration": way})
    effects = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantised.onnx"
        quantise(fp32, calibration_images(*train, chosen, seed), chosen, path)
        for group, images in judged.items():
            flips = int((_flagged(path, images, manifest) != expected[group]).sum())
            share = interval(wilson_interval(flips, len(images)), "wilson")
            effects.append(
                CalibrationEffect(calibration=way, seed=seed, group=group, n=len(images), flips=share)
            )
    return effects


def _flagged(path: Path, images: Images, manifest: Manifest) -> npt.NDArray[np.bool_]:
    return np.array([decision.flagged for decision in decide(model_logits(path, images), manifest)])
