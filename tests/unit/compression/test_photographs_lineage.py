"""Photographs that guided or judged a model stand on its card: whose, under which licence, for what."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evenscreen.compression.card import card
from evenscreen.compression.groups import guiding, load_reported
from evenscreen.compression.photographs_lineage import UNKNOWN_LICENCE, described, judged_by
from evenscreen.pipeline.model import SHIPPED, read_manifest
from evenscreen.schemas.manifest import Manifest, Preprocessing

PADUFES = Path(
    os.environ.get("EVENSCREEN_PADUFES", Path(__file__).parents[4] / "shared" / "data" / "pad_ufes_300")
)
SPEC = Preprocessing(height=24, width=24)


@pytest.fixture
def untouched() -> Manifest:
    """The shipped model's, as if no photograph had guided or judged it."""
    plain = read_manifest(SHIPPED)
    lineage = plain.lineage.model_copy(update={"photographs": None})
    return plain.model_copy(update={"lineage": lineage, "groups": ()})


def test_a_part_counts_what_was_used_of_it(photographs: Path) -> None:
    parts = load_reported(photographs, SPEC, seed=3)
    used = np.logical_or.reduce(list(guiding(parts.measure).values()))
    found = described(photographs, parts, guided=True)
    assert found.guided_pruning is not None
    assert found.guided_pruning.images == found.guided_pruning.patients == used.sum()
    assert found.judged.images == len(parts.judge.images)
    benign = replace(parts.measure, malignant=np.zeros_like(parts.measure.malignant))
    alone = described(photographs, parts._replace(measure=benign), guided=True).guided_pruning
    assert alone is not None
    assert (alone.images, alone.patients) == (0, 0)


def test_photographs_of_unknown_origin_are_not_called_anything_else(photographs: Path) -> None:
    found = described(photographs, load_reported(photographs, SPEC, seed=3), guided=False)
    assert "unknown origin" in found.data
    assert found.licence == UNKNOWN_LICENCE
    assert found.guided_pruning is None


def test_the_checksum_covers_labels_and_every_image(photographs: Path, tmp_path: Path) -> None:
    parts = load_reported(photographs, SPEC, seed=3)
    before = described(photographs, parts, guided=False).sha256
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").write_bytes((photographs / "labels.csv").read_bytes())
    for image in (photographs / "images").iterdir():
        (tmp_path / "images" / image.name).write_bytes(image.read_bytes())
    assert described(tmp_path, parts, guided=False).sha256 == before
    with (tmp_path / "images" / "23.png").open("ab") as image_file:
        image_file.write(b"\0")
    assert described(tmp_path, parts, guided=False).sha256 != before


def test_a_comparison_names_the_photographs_it_judged_by(untouched: Manifest, photographs: Path) -> None:
    assert "EVENSCREEN_PADUFES" not in card(untouched)
    text = card(judged_by(untouched, photographs))
    assert "Nothing here was made with the first." in text
    assert "`EVENSCREEN_PADUFES`" in text
    shipped = read_manifest(SHIPPED)
    assert judged_by(shipped, photographs) == shipped


@pytest.mark.skipif(
    not (PADUFES / "labels.csv").exists(), reason="no PAD-UFES-20: set EVENSCREEN_PADUFES to its folder"
)
def test_the_shipped_model_was_guided_and_judged_by_these_very_photographs() -> None:
    manifest = read_manifest(SHIPPED)
    parts = load_reported(PADUFES, SPEC, manifest.lineage.seed)
    assert manifest.lineage.photographs == described(PADUFES, parts, guided=True)
    judged = {group.group: group.n for group in manifest.groups if group.source == "reported"}
    assert judged["I–II"] + judged["III–IV"] + judged["V–VI"] == len(parts.judge.images)
