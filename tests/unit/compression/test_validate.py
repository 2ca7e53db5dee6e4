"""Validation sees what differs between network, FP32 file and served file, and by how much per group."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="validation needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.calibration_images import (
    AtTone,
    CalibrationEffect,
    calibration_effects,
    calibration_images,
    effects_table,
)
from evenscreen.compression.evaluate import model_logits
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Quantisation
from evenscreen.compression.validate import Validation, validate
from evenscreen.pipeline.decide import decide
from evenscreen.schemas.errors import Fatal

from .exported import SHIFT, exported, manifest, pictures, small_network

PLAN = Quantisation(images=16)


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("static") / "static.onnx"
    quantise(exported().path, pictures(16), PLAN, path)
    return path


def middle(images: np.ndarray) -> int:
    """A threshold that half of `images` reach."""
    return int(np.median([each.score for each in decide(model_logits(exported().path, images), manifest(1))]))


def test_a_file_agrees_with_itself() -> None:
    images = pictures(12)
    (row,) = validate(
        exported().network, SHIFT, exported().path, exported().path, {"all": images}, manifest(middle(images))
    ).groups
    assert (row.group, row.n, row.flips.value, row.same_label.value) == ("all", 12, 0.0, 1.0)
    assert (row.largest_score_difference, row.score_correlation) == (0, pytest.approx(1.0))
    assert 0 < row.flips.high < 0.3, "no flip among twelve proves little"
    assert row.largest_logit_error < 1e-4


def test_int8_is_held_against_fp32_group_by_group(static: Path) -> None:
    groups = {"I": pictures(30, seed=1), "VI": pictures(20, seed=2)}
    deciding = manifest(middle(groups["I"]))
    validation = validate(exported().network, SHIFT, exported().path, static, groups, deciding)
    assert [(row.group, row.n) for row in validation.groups] == [("I", 30), ("VI", 20)]
    for row, images in zip(validation.groups, groups.values(), strict=True):
        before, after = (decide(model_logits(path, images), deciding) for path in (exported().path, static))
        scores = np.array([[each.score for each in decisions] for decisions in (before, after)])
        flips = np.mean([a.flagged != b.flagged for a, b in zip(before, after, strict=True)])
        assert row.flips.value == pytest.approx(flips)
        assert row.score_correlation == pytest.approx(np.corrcoef(scores)[0, 1])
        assert row.largest_score_difference == np.abs(scores[0] - scores[1]).max()
        assert row.largest_score_difference > 0
    assert Validation.model_validate_json(validation.model_dump_json()) == validation


def test_a_file_of_another_network_is_refused() -> None:
    other = small_network()
    with torch.no_grad():
        other.head.bias.add_(torch.tensor([0.01, 0, 0]))
    with pytest.raises(Fatal, match="the export is at fault"):
        validate(other, SHIFT, exported().path, exported().path, {"all": pictures(2)}, manifest(5000))


def test_one_score_for_all_has_no_correlation() -> None:
    images = np.repeat(pictures(1), 3, 0)
    (row,) = validate(
        exported().network, SHIFT, exported().path, exported().path, {"same": images}, manifest(5000)
    ).groups
    assert row.score_correlation is None


def marked(n: int) -> tuple[np.ndarray, AtTone]:
    """Images whose first pixel tells (photograph, tone 0 for as taken)."""
    images = np.zeros((n, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(n)

    def at_tone(chosen: np.ndarray, tone: int) -> np.ndarray:
        rendered = images[chosen]
        rendered[:, 0, 0, 1] = tone
        return rendered

    return images, at_tone


def test_balanced_calibration_shows_each_tone_alike_and_the_darkest_twice() -> None:
    chosen = calibration_images(*marked(100), Quantisation(images=80), seed=3)
    photographs, tones = chosen[:, 0, 0, 0], chosen[:, 0, 0, 1]
    assert [int((tones == tone).sum()) for tone in range(1, 7)] == [10, 10, 10, 10, 20, 20]
    assert len(set(photographs.tolist())) == 80, "no photograph twice"


def test_random_calibration_takes_images_as_they_are() -> None:
    plan = Quantisation(images=80, calibration="random")
    chosen = calibration_images(*marked(100), plan, seed=3)
    assert (len(chosen), chosen[:, 0, 0, 1].max()) == (80, 0)


@pytest.mark.parametrize("way", ["random", "balanced"])
def test_the_seed_decides_which(way: str) -> None:
    plan = Quantisation(images=30, calibration=way)
    first, same, other = (calibration_images(*marked(100), plan, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n", [5, 7, 13])
def test_fewer_images_than_asked_for_are_all_taken(n: int) -> None:
    assert len(calibration_images(*marked(n), Quantisation(images=500), seed=0)) == n


def test_the_effect_of_calibration_is_counted_by_seed_way_and_group() -> None:
    images = pictures(24)
    light = (1, 0.9, 0.8, 0.7, 0.5, 0.3)
    judged = {"I": pictures(20, seed=5), "VI": (0.3 * pictures(15, seed=6)).astype(np.uint8)}
    effects = calibration_effects(
        exported().path,
        (images, lambda chosen, tone: (images[chosen] * light[tone - 1]).astype(np.uint8)),
        judged,
        PLAN,
        manifest(middle(judged["I"])),
        seeds=(0, 1),
    )
    assert [(each.seed, each.calibration, each.group) for each in effects] == [
        (seed, way, group) for seed in (0, 1) for way in ("random", "balanced") for group in ("I", "VI")
    ]
    assert {each.n for each in effects} == {20, 15}
    assert all(each.flips.low <= each.flips.value <= each.flips.high for each in effects)
    assert CalibrationEffect.model_validate_json(effects[0].model_dump_json()) == effects[0]
    assert effects_table(effects).row_count == 2
