"""The shipped model is what its manifest and its card say."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from evenscreen.compression.card import card
from evenscreen.pipeline.decide import decide
from evenscreen.pipeline.evidence.intervals import delong_interval
from evenscreen.schemas.manifest import Manifest, Result

SHIPPED = Path(__file__).parents[3] / "compression" / "shipped"
LESIONS = Path(
    os.environ.get("EVENSCREEN_HAM10000", Path(__file__).parents[4] / "shared" / "data" / "ham10000_224")
)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.model_validate_json((SHIPPED / "manifest.json").read_bytes())


def result(manifest: Manifest, split: str) -> Result:
    return next(entry for entry in manifest.results if (entry.split, entry.form) == (split, "int8"))


def test_the_manifest_names_this_very_file(manifest: Manifest) -> None:
    content = (SHIPPED / "model.onnx").read_bytes()
    assert manifest.sha256 == hashlib.sha256(content).hexdigest()
    assert len(content) <= 24_000_000
    assert manifest.parameters <= 23_000_000
    assert 60_000_000 <= (manifest.lineage.parent_parameters or 0) <= 75_000_000


def test_the_card_is_written_from_the_manifest(manifest: Manifest) -> None:
    assert (SHIPPED / "CARD.md").read_text(encoding="utf-8") == card(manifest)


def test_the_card_says_what_a_reader_must_know(manifest: Manifest) -> None:
    text = card(manifest)
    area = result(manifest, "test").auroc
    for phrase in (
        "not a medical device",
        "column 'melanoma' was learned from",
        "CC BY-NC 4.0",
        "Tschandl",
        "PAD-UFES-20",
        "Pacheco",
        "CC BY 4.0",
        "scaled and cropped here",
        "156 images of 122 patients",
        "(160 images of 112 patients)\njudged",
        "`EVENSCREEN_HAM10000` and `EVENSCREEN_PADUFES`",
        "no reported type has enough images for a verdict",
        "V–VI (2 images of 2 patients, 0 malignant)",
        manifest.sha256,
        f"{area.value:.3f} ({area.low:.3f}–{area.high:.3f})",
    ):
        assert phrase in text


def test_the_card_changes_with_the_manifest(manifest: Manifest) -> None:
    other = manifest.model_copy(update={"results": manifest.results[:1]})
    assert card(other) != card(manifest)


def test_the_shipped_model_is_good_enough(manifest: Manifest) -> None:
    assert result(manifest, "test").auroc.value >= 0.94


def test_compression_cost_no_simulated_tone_anything_that_was_proven(manifest: Manifest) -> None:
    verdicts = {group.group: group.verdict for group in manifest.groups if group.source == "simulated"}
    assert verdicts == dict.fromkeys(["I", "II", "III", "IV", "V", "VI"], "no worse")
    assert all(group.verdict != "worse" for group in manifest.groups)


def test_the_shipped_model_is_proven_no_worse_than_its_parent_overall(manifest: Manifest) -> None:
    promotion = manifest.promotion
    assert promotion is not None
    assert (promotion.split, promotion.margin, promotion.verdict) == ("test", 0.01, "no worse")
    assert promotion.difference is not None
    assert promotion.difference.low >= -0.01


def test_the_shipped_model_scores_as_its_manifest_says(manifest: Manifest) -> None:
    """All test images through preprocess, file and decide: the manifest's own AUROC comes out."""
    pytest.importorskip(
        "yaml", reason="reading labels.csv by recipe needs PyYAML: pip install 'evenscreen[train]'"
    )
    pytest.importorskip("torch", reason="evaluation needs torch: pip install 'evenscreen[train]'")
    from evenscreen.compression.compare_folders import data_of
    from evenscreen.compression.data import load_split
    from evenscreen.compression.evaluate import model_logits

    if not (LESIONS / "labels.csv").exists():
        pytest.skip("HAM10000 is not here: name its folder with EVENSCREEN_HAM10000")
    data = data_of(manifest)
    split = load_split(LESIONS, "test", data, manifest.preprocessing)
    decisions = decide(model_logits(SHIPPED / "model.onnx", split.images), manifest)
    malignant = split.malignant(data)
    said = result(manifest, "test")
    area = delong_interval([decision.score for decision in decisions], malignant)
    assert area.value == pytest.approx(said.auroc.value, abs=0.002)  # sums differ a little between processors
    assert said.sensitivity is not None
    caught = np.mean([decision.flagged for decision in decisions], where=malignant)
    assert caught == pytest.approx(said.sensitivity.value, abs=0.02)
