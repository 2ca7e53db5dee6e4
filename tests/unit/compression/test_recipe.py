"""Recipes: the shipped one is valid, a wrong one is refused with a reason."""

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="recipes need PyYAML: pip install 'evenscreen[train]'")

from evenscreen.compression.recipe import read_recipe, text
from evenscreen.schemas.errors import Fatal

SHIPPED = Path(__file__).parents[3] / "compression" / "recipes" / "dermoscopy.yaml"


def test_the_shipped_recipe_is_valid() -> None:
    recipe = read_recipe(SHIPPED)
    assert set(recipe.data.malignant) == {"MEL", "BCC", "AKIEC"}
    assert len(recipe.pruning.removed) == 10


def test_each_epoch_has_the_side_of_its_phase(recipe_path: Path) -> None:
    training = read_recipe(recipe_path).parent.training
    assert [training.side(epoch) for epoch in range(training.epochs)] == [24, 32]


def test_what_a_section_decides_is_told_without_its_defaults(recipe_path: Path) -> None:
    training = read_recipe(recipe_path).guide.training
    assert "patience_epochs" not in text(training)
    assert text(training.model_copy(update={"patience_epochs": 3})) != text(training)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs: 2", "epochs: 0", "epochs"),
        ("malignant: [MEL]", "malignant: [SCC]", "SCC"),
        ("name: tiny", "nom: tiny", "name is missing; nom is no key of a recipe"),
        ("tone_share", "tone_shar", r"tone_shar is no key of a recipe"),
        ("heads: 4", "heads: 5", "5 heads do not divide"),
        ("removed: [0.2, 0.4]", "removed: [0.4, 0.2]", "rise"),
        ("removed: [0.2, 0.4]", "removed: [0.2, 0.204, 0.4]", "same whole percent"),
        ("ship: 0.4", "ship: 0.5", r"0\.5"),
        ("family: hybrid", "family: resnet", "family"),
        ("seed: 1", "seed: [", "tiny.yaml"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_field(
    recipe_path: Path, tmp_path: Path, old: str, new: str, says: str
) -> None:
    wrong = tmp_path / "tiny.yaml"
    wrong.write_text(recipe_path.read_text().replace(old, new))
    with pytest.raises(Fatal, match=says) as refused:
        read_recipe(wrong)
    assert "pydantic" not in str(refused.value)


def test_a_recipe_in_another_encoding_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "latin.yaml"
    wrong.write_bytes("name: Mäuse".encode("latin-1"))
    with pytest.raises(Fatal, match=r"latin\.yaml cannot be read: 'utf-8'"):
        read_recipe(wrong)


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"none\.yaml"):
        read_recipe(tmp_path / "none.yaml")
