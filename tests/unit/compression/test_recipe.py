"""Recipes: the shipped one is valid, a wrong one is refused with a reason."""

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="recipes need PyYAML: pip install 'evenscreen[train]'")

from evenscreen.compression.recipe import read_recipe
from evenscreen.schemas.errors import Fatal

FIRST = Path(__file__).parents[3] / "compression" / "recipes" / "first.yaml"


def test_the_shipped_recipe_is_valid() -> None:
    recipe = read_recipe(FIRST)
    assert set(recipe.data.malignant) == {"MEL", "BCC", "AKIEC"}
    assert recipe.training.epochs == 38


def test_each_epoch_has_the_side_of_its_phase() -> None:
    training = read_recipe(FIRST).training
    assert [training.side(epoch) for epoch in (0, 17, 18, 37)] == [96, 96, 128, 128]


def test_only_what_decides_the_weights_changes_the_fingerprint(recipe_path: Path) -> None:
    recipe = read_recipe(recipe_path)
    target = recipe.model_copy(update={"target_sensitivity": 0.5})
    seed = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": 9})})
    assert target.training_fingerprint("a") == recipe.training_fingerprint("a")
    assert seed.training_fingerprint("a") != recipe.training_fingerprint("a")
    assert recipe.training_fingerprint("b") != recipe.training_fingerprint("a")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs: 1", "epochs: 0", "epochs"),
        ("malignant: [MEL]", "malignant: [SCC]", "SCC"),
        ("name: tiny", "nom: tiny", "nom"),
        ("seed: 1", "seed: [", "tiny.yaml"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_field(
    recipe_path: Path, tmp_path: Path, old: str, new: str, says: str
) -> None:
    wrong = tmp_path / "tiny.yaml"
    wrong.write_text(recipe_path.read_text().replace(old, new))
    with pytest.raises(Fatal, match=says):
        read_recipe(wrong)


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"none\.yaml"):
        read_recipe(tmp_path / "none.yaml")
