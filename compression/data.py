"""Labelled images of one folder, decoded once and held in memory."""

import csv
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from evenscreen.compression.recipe import Data
from evenscreen.pipeline.preprocess import preprocess
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

SPLITS, UNLABELLED = ("train", "val", "test"), "unlabelled"

UNKNOWN = -1
"""The label of an image of which nothing is known."""


def anything_but(label: int) -> int:
    """The label of an image of which only one thing is known: that it is not `label`."""
    return UNKNOWN - 1 - label


@dataclass(frozen=True)
class Split:
    """Images uint8 [n, H, W, 3] and what is known of each one's label, int64 [n].

    The index of its label; in split `unlabelled` also `anything_but` one label, or UNKNOWN.
    """

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def malignant(self, data: Data) -> npt.NDArray[np.bool_]:
        """bool [n]: whether the image's label counts as malignant."""
        return np.isin(self.labels, [data.labels.index(label) for label in data.malignant])


def load_split(folder: Path, name: str, data: Data, spec: Preprocessing) -> Split:
    """Every image of `folder` that labels.csv puts into split `name`, preprocessed as in serving.

    Raises Fatal when the folder has no labels.csv, no such split, or a label the recipe does not know.
    """
    rows = [row for row in _rows(folder) if row["split"] == name]
    if not rows:
        raise Fatal(f"labels.csv has no image in split '{name}'.")
    labels = _told(rows, data) if name == UNLABELLED else _labels(rows, data)
    with ThreadPoolExecutor() as pool:
        images = np.stack(list(pool.map(lambda row: _decoded(folder / "images" / row["image"], spec), rows)))
    return Split(name, images, np.array(labels, np.int64))


def has_split(folder: Path, name: str) -> bool:
    """Whether labels.csv of `folder` puts any image into split `name`."""
    return any(row["split"] == name for row in _rows(folder))


def joined(first: Split, second: Split) -> Split:
    """Both, `first` first."""
    images = np.concatenate([first.images, second.images])
    return Split(first.name, images, np.concatenate([first.labels, second.labels]))


def data_checksum(folder: Path) -> str:
    """SHA-256 over labels.csv and the bytes of every image that it gives a split, in its order."""
    rows = _rows(folder)
    digest = hashlib.sha256((folder / "labels.csv").read_bytes())
    for row in rows:
        if row["split"] in (*SPLITS, UNLABELLED):
            digest.update((folder / "images" / row["image"]).read_bytes())
    return digest.hexdigest()


def _labels(rows: list[dict[str, str]], data: Data) -> list[int]:
    known = {label: index for index, label in enumerate(data.labels)}
    if unknown := {row["dx"] for row in rows} - set(known):
        raise Fatal(f"labels.csv has labels that the recipe does not know: {sorted(unknown)}.")
    return [known[row["dx"]] for row in rows]


def _told(rows: list[dict[str, str]], data: Data) -> list[int]:
    """What the recipe's `told` says of images without a label."""
    if data.told is None:
        return [UNKNOWN] * len(rows)
    if any(data.told.column not in row for row in rows):
        raise Fatal(f"labels.csv has no column {data.told.column}, which the recipe's `told` names.")
    label = data.labels.index(data.told.label)
    means = {"1": label, "0": anything_but(label)}
    if wrong := {row[data.told.column] for row in rows} - set(means):
        raise Fatal(f"labels.csv, column {data.told.column}: 0 or 1 is needed, not {sorted(wrong)}.")
    return [means[row[data.told.column]] for row in rows]


def _rows(folder: Path) -> list[dict[str, str]]:
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise Fatal("The data folder has no labels.csv.") from None


def _decoded(path: Path, spec: Preprocessing) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return preprocess(np.asarray(image.convert("RGB")), spec)
