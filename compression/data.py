"""Labelled images of one folder, decoded once and held in memory."""

import csv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evenscreen.compression.pictures import Place, checksum, decoded
from evenscreen.compression.progress import counted
from evenscreen.compression.recipe import Data
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

SPLITS, UNLABELLED = ("train", "val", "test"), "unlabelled"
COLUMNS = ("image", "split", "dx")

UNKNOWN = -1
"""The label of an image of which nothing is known."""


def anything_but(label: int) -> int:
    """The label of an image of which only one thing is known: that it is not `label`."""
    return UNKNOWN - 1 - label


class Row(NamedTuple):
    """One image; `line` is where labels.csv has it, `cells` what it says there, by column."""

    line: int
    cells: Mapping[str, str]

    @property
    def place(self) -> Place:
        return self.line, self.cells["image"]


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

    Raises Fatal when labels.csv or an image is missing or damaged, there is no such split, or the recipe does
    not know a label.
    """
    rows = rows_of(folder, name)
    labels = labels_of(rows, name, data)
    with ThreadPoolExecutor() as pool:
        read = pool.map(lambda row: decoded(folder, row.place, spec), rows)
        images = np.stack(list(counted(read, f"reading {name}", len(rows))))
    return Split(name, images, np.array(labels, np.int64))


def rows_of(folder: Path, name: str) -> list[Row]:
    """What labels.csv of `folder` puts into split `name`. Raises Fatal when that is nothing."""
    rows = [row for row in _rows(folder) if row.cells["split"] == name]
    if not rows:
        raise Fatal(f"labels.csv has no image in split '{name}'.")
    return rows


def labels_of(rows: Sequence[Row], name: str, data: Data) -> list[int]:
    """The label of each of `rows`, which are those of split `name`, as in Split."""
    return _told(rows, data) if name == UNLABELLED else _labels(rows, data)


def has_split(folder: Path, name: str) -> bool:
    """Whether labels.csv of `folder` puts any image into split `name`."""
    return any(row.cells["split"] == name for row in _rows(folder))


def joined(first: Split, second: Split) -> Split:
    """Both, `first` first."""
    images = np.concatenate([first.images, second.images])
    return Split(first.name, images, np.concatenate([first.labels, second.labels]))


def data_checksum(folder: Path) -> str:
    """SHA-256 over labels.csv and the bytes of every image that it gives a split, in its order."""
    places = [row.place for row in _rows(folder) if row.cells["split"] in (*SPLITS, UNLABELLED)]
    return checksum(folder, counted(places, "checksum of the images"))


def _labels(rows: Sequence[Row], data: Data) -> list[int]:
    known = {label: index for index, label in enumerate(data.labels)}
    if unknown := {row.cells["dx"] for row in rows} - set(known):
        raise Fatal(f"labels.csv has labels that the recipe does not know: {sorted(unknown)}.")
    return [known[row.cells["dx"]] for row in rows]


def _told(rows: Sequence[Row], data: Data) -> list[int]:
    """What the recipe's `told` says of images without a label."""
    if data.told is None:
        return [UNKNOWN] * len(rows)
    column, label = data.told.column, data.labels.index(data.told.label)
    if any(column not in row.cells for row in rows):
        raise Fatal(f"labels.csv has no column {column}, which the recipe's `told` names.")
    means = {"1": label, "0": anything_but(label)}
    if wrong := {row.cells[column] for row in rows} - set(means):
        raise Fatal(f"labels.csv, column {column}: 0 or 1 is needed, not {sorted(wrong)}.")
    return [means[row.cells[column]] for row in rows]


def _rows(folder: Path) -> list[Row]:
    """All of labels.csv. Raises Fatal, naming line and column, when it is missing or no table of images."""
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
                raise Fatal(f"labels.csv has no column {', '.join(missing)}.")
            rows = [Row(reader.line_num, cells) for cells in reader]
    except OSError:
        raise Fatal("The data folder is missing or has no labels.csv that can be read.") from None
    except (UnicodeDecodeError, csv.Error):
        raise Fatal("labels.csv is not a table in UTF-8.") from None
    seen = set[str]()
    for line, cells in rows:
        if None in cells or None in cells.values():
            raise Fatal(f"labels.csv, line {line}: it has not as many fields as there are columns.")
        if not cells["image"] or cells["image"] in seen:
            raise Fatal(
                f"labels.csv, line {line}, column image: a file name is needed that no other line has."
            )
        seen.add(cells["image"])
    return rows
