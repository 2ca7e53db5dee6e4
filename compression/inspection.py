"""A look at all images before anything is learned from them: what is wrong would else show hours later."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evenscreen.compression.data import SPLITS, UNLABELLED, Row, has_split, labels_of, rows_of
from evenscreen.compression.pictures import decoded
from evenscreen.compression.progress import counted
from evenscreen.compression.recipe import Data
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

LEAST = 2
"""Malignant and benign images in a split: an AUROC and its variance need so many of each."""


def inspected(folder: Path, data: Data, spec: Preprocessing) -> dict[str, dict[str, int]]:
    """How many images each split has of each label; every one has been decoded.

    Raises Fatal when a split is missing or has not enough of both classes, a label is unknown, or an image is
    damaged.
    """
    names = [*SPLITS, *([UNLABELLED] if has_split(folder, UNLABELLED) else [])]
    splits = {name: rows_of(folder, name) for name in names}
    for name, rows in splits.items():
        labels_of(rows, name, data)
    counts = {name: dict(Counter(row.cells["dx"] for row in rows)) for name, rows in splits.items()}
    for name in SPLITS:
        _require_both_classes(name, counts[name], data)
    _decode(folder, [row for rows in splits.values() for row in rows], spec)
    return counts


def _require_both_classes(name: str, counts: dict[str, int], data: Data) -> None:
    malignant = sum(counts.get(label, 0) for label in data.malignant)
    benign = sum(counts.values()) - malignant
    if min(malignant, benign) < LEAST:
        raise Fatal(
            f"labels.csv has {malignant} malignant and {benign} benign images in split '{name}': "
            f"at least {LEAST} of each are needed."
        )


def _decode(folder: Path, rows: list[Row], spec: Preprocessing) -> None:
    def look(row: Row) -> None:
        decoded(folder, row.place, spec)

    with ThreadPoolExecutor() as pool:
        for _ in counted(pool.map(look, rows), "looking at all images", len(rows)):
            pass
