"""Training: it can be killed, it balances classes, it learns."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.augment import augment
from evenscreen.compression.data import Split, data_checksum, load_split
from evenscreen.compression.recipe import Phase, Recipe, read_recipe
from evenscreen.compression.train import class_weights, learning_rate, train
from evenscreen.schemas.errors import Fatal


@pytest.fixture
def recipe(recipe_path: Path) -> Recipe:
    recipe = read_recipe(recipe_path)
    return recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"phases": (Phase(epochs=3, side=24),)})}
    )


@pytest.fixture
def splits(lesions: Path, recipe: Recipe) -> tuple[Split, Split]:
    train_split, val_split = (
        load_split(lesions, name, recipe.data, recipe.preprocessing) for name in ("train", "val")
    )
    return train_split, val_split


class Killed(Exception):
    """Stands for a kill between two epochs."""


def test_a_killed_training_ends_in_the_same_weights(
    recipe: Recipe, splits: tuple[Split, Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = train(recipe, *splits, "data", tmp_path / "whole")

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("evenscreen.compression.train.console.print", die)
        with pytest.raises(Killed):
            train(recipe, *splits, "data", tmp_path / "killed")
    resumed = train(recipe, *splits, "data", tmp_path / "killed")
    for ours, theirs in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_training_goes_on_only_with_its_own_data(
    recipe: Recipe, splits: tuple[Split, Split], tmp_path: Path
) -> None:
    train(recipe, *splits, "data", tmp_path)
    with pytest.raises(Fatal, match="other data"):
        train(recipe, *splits, "other", tmp_path)


def test_class_weights_average_one_and_balance() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    weights = class_weights(labels, 3, 1.0)
    assert weights[labels].mean() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(9)
    assert class_weights(labels, 2, 0.0).tolist() == [1.0, 1.0]


def test_the_learning_rate_rises_to_its_peak_and_ends_at_nothing(recipe: Recipe) -> None:
    plan = recipe.training
    rates = [learning_rate(step / 100, plan) for step in range(101)]
    assert max(rates) == pytest.approx(plan.peak_learning_rate)
    assert rates[0] < 0.1 * max(rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_views_keep_range_shape_and_are_drawn_by_the_generator() -> None:
    images = torch.full((6, 3, 32, 32), 128, dtype=torch.uint8)
    first, again = (augment(images, 24, torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.shape == (6, 3, 24, 24)
    assert torch.equal(first, again)
    assert 60 < first.min() < first.max() < 200


def test_a_label_that_is_unknown_is_refused(lesions: Path, recipe: Recipe) -> None:
    data = recipe.data.model_copy(update={"labels": ("MEL", "NV")})
    with pytest.raises(Fatal, match="VASC"):
        load_split(lesions, "val", data, recipe.preprocessing)


def test_a_folder_without_labels_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"labels\.csv"):
        load_split(tmp_path, "val", recipe.data, recipe.preprocessing)


def test_the_checksum_sees_one_changed_byte(lesions: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "images").mkdir(parents=True)
    (copy / "labels.csv").write_bytes((lesions / "labels.csv").read_bytes())
    for image in (lesions / "images").iterdir():
        (copy / "images" / image.name).write_bytes(image.read_bytes())
    assert data_checksum(copy) == data_checksum(lesions)
    changed = next((copy / "images").iterdir())
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert data_checksum(copy) != data_checksum(lesions)
