"""A folder of synthetic lesions and a recipe so small that every step takes seconds."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLOURS = {"MEL": (40, 30, 35), "NV": (150, 90, 60), "VASC": (190, 40, 60)}
SIZES = {"train": 14, "val": 8, "test": 8, "unlabelled": 4}

RECIPE = """\
name: tiny
intended_use: Tests.
data:
  name: Synthetic blobs
  licence: CC0-1.0
  citation: Nobody.
  labels: [MEL, NV, VASC]
  malignant: [MEL]
  told: {column: melanoma, label: MEL}
  intended_modality: dermoscopy
preprocessing: {height: 32, width: 32}
guide:
  copies: 2
  network:
    family: hybrid
    stem: 16
    stages: [{width: 16, blocks: 1}, {width: 16, blocks: 0}]
    attention: {width: 32, heads: 2, hidden: 32, blocks: 1}
  training: {seed: 1, phases: [{epochs: 2, side: 32}], batch: 8, peak_learning_rate: 0.01, weight_decay: 0.01}
parent:
  network:
    family: hybrid
    stem: 16
    stages: [{width: 32, blocks: 1}, {width: 32, blocks: 1}]
    attention: {width: 64, heads: 4, hidden: 128, blocks: 2}
    drop_path: 0.2
  training:
    seed: 2
    phases: [{epochs: 1, side: 24}, {epochs: 1, side: 32}]
    batch: 8
    peak_learning_rate: 0.003
    weight_decay: 0.01
    tone_share: 0.5
    mixup: 0.4
    ema_decay: 0.5
    judge_every_epochs: 2
  teaching: {logits: 0.5, features: 1.0, unlabelled: true}
pruning:
  removed: [0.2, 0.4]
  ship: 0.4
  sweep: [0.2, 0.4]
  images: 16
  worst_group_floor: 0.9
  fine_tuning:
    training:
      seed: 3
      phases: [{epochs: 1, side: 32}]
      batch: 8
      peak_learning_rate: 0.001
      weight_decay: 0.01
      tone_share: 0.5
      weights: last
    teaching: {logits: 0.5, features: 1.0, fairness: 0.1}
recovery:
  training:
    seed: 4
    phases: [{epochs: 1, side: 32}]
    batch: 8
    peak_learning_rate: 0.001
    weight_decay: 0.01
    tone_share: 0.5
    ema_decay: 0.5
  teaching: {logits: 0.5, features: 1.0, fairness: 0.1, with_guide: true}
quantisation: {images: 12}
target_sensitivity: 0.9
"""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small lose more to waiting threads than they gain, many times over where others work."""
    with suppress(ModuleNotFoundError):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """102 blobs, 40 x 52 pixels, whose colour is their diagnosis; images/ and labels.csv."""
    folder = tmp_path_factory.mktemp("lesions")
    (folder / "images").mkdir()
    random = np.random.default_rng(7)
    rows = ["image,split,dx,malignant,melanoma"]
    for split, size in SIZES.items():
        for dx, colour in COLOURS.items():
            for number in range(size):
                name = f"{split}_{dx}_{number}.png"
                Image.fromarray(blob(colour, random)).save(folder / "images" / name)
                label = "," if split == "unlabelled" else f"{dx},{int(dx == 'MEL')}"
                rows.append(f"{name},{split},{label},{int(dx == 'MEL')}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def blob(colour: tuple[int, int, int], random: np.random.Generator) -> np.ndarray:
    """A coloured disc on skin, noisy, uint8 [40, 52, 3]."""
    y, x = np.mgrid[:40, :52]
    centre_y, centre_x, radius = random.uniform(16, 24), random.uniform(20, 32), random.uniform(8, 14)
    inside = (y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2
    image = np.where(inside[..., None], colour, (205, 165, 150)) + random.normal(0, 12, (40, 52, 3))
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 photographs of 24 patients, skin types I to IV and none of V or VI."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "images").mkdir()
    random = np.random.default_rng(8)
    rows = ["image,patient,malignant,fst"]
    for number in range(24):
        malignant = number % 2
        image = blob(COLOURS["MEL" if malignant else "NV"], random)
        Image.fromarray(image).save(folder / "images" / f"{number}.png")
        rows.append(f"{number}.png,patient-{number},{malignant},{1 + number // 6}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder
