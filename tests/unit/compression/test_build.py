"""Every step from a recipe to a model folder, on synthetic lesions."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression.build import Build, build
from evenscreen.compression.card import card
from evenscreen.compression.data import load_split
from evenscreen.compression.evaluate import model_logits, session
from evenscreen.compression.export import Serving
from evenscreen.compression.recipe import read_recipe
from evenscreen.compression.train import class_weights
from evenscreen.pipeline.decide import decide
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest


@dataclass(frozen=True)
class Built:
    manifest: Manifest
    model_dir: Path
    run_dir: Path


@pytest.fixture(scope="module")
def built(lesions: Path, recipe_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    manifest = build(recipe_path, lesions, folder / "model", folder / "run")
    return Built(manifest, folder / "model", folder / "run")


def test_build_leaves_a_valid_model_folder(built: Built) -> None:
    content = (built.model_dir / "model.onnx").read_bytes()
    manifest = Manifest.model_validate_json((built.model_dir / "manifest.json").read_bytes())
    assert manifest == built.manifest
    assert manifest.sha256 == hashlib.sha256(content).hexdigest()
    assert {(result.split, result.form) for result in manifest.results} == {
        ("val", "fp32"),
        ("val", "int8"),
        ("test", "fp32"),
        ("test", "int8"),
    }
    assert (built.model_dir / "CARD.md").read_text(encoding="utf-8") == card(manifest)
    assert sorted(path.name for path in built.model_dir.iterdir()) == [
        "CARD.md",
        "manifest.json",
        "model.onnx",
    ]


def test_building_again_does_nothing_again(built: Built, lesions: Path, recipe_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.run_dir.iterdir()}
    assert build(recipe_path, lesions, built.model_dir, built.run_dir) == built.manifest
    assert {path: path.stat().st_mtime_ns for path in built.run_dir.iterdir()} == before


def test_another_target_recalibrates_without_training(
    built: Built, lesions: Path, recipe_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tiny.yaml"
    other.write_text(recipe_path.read_text().replace("target_sensitivity: 0.9", "target_sensitivity: 0.5"))
    trained = (built.run_dir / "weights.pt").stat().st_mtime_ns
    decided = (built.run_dir / "decision.json").read_bytes()
    manifest = build(other, lesions, tmp_path / "model", built.run_dir)
    assert manifest.operating_point.target_sensitivity == 0.5
    assert manifest.sha256 == built.manifest.sha256
    assert (built.run_dir / "weights.pt").stat().st_mtime_ns == trained
    build(recipe_path, lesions, built.model_dir, built.run_dir)
    assert (built.run_dir / "decision.json").read_bytes() == decided


def test_a_run_folder_of_another_recipe_is_refused(
    built: Built, lesions: Path, recipe_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tiny.yaml"
    other.write_text(recipe_path.read_text().replace("seed: 1", "seed: 2"))
    with pytest.raises(Fatal, match="another recipe"):
        build(other, lesions, tmp_path / "model", built.run_dir)


def test_torch_and_onnx_agree_in_float(built: Built, lesions: Path, recipe_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")
    making = Build(recipe_path, lesions, built.run_dir)
    recipe = making.recipe
    labels = load_split(lesions, "train", recipe.data, recipe.preprocessing).labels
    serving = Serving(
        making.trained(built.run_dir / "weights.pt"), class_weights(labels, 3, recipe.training.balance)
    )
    images = load_split(lesions, "val", recipe.data, recipe.preprocessing).images
    with torch.no_grad():
        expected = serving(torch.from_numpy(images)).numpy()
    assert np.allclose(model_logits(built.run_dir / "fp32.onnx", images), expected, atol=1e-4)


def test_int8_ranks_as_float_does(built: Built, lesions: Path, recipe_path: Path) -> None:
    recipe = read_recipe(recipe_path)
    images = load_split(lesions, "test", recipe.data, recipe.preprocessing).images
    scores = [
        [decision.score for decision in decide(model_logits(path, images), built.manifest)]
        for path in (built.run_dir / "fp32.onnx", built.model_dir / "model.onnx")
    ]
    ranks = np.argsort(np.argsort(scores, axis=1), axis=1)
    assert np.corrcoef(ranks)[0, 1] > 0.95


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_size_gives_the_same_answers(
    built: Built, lesions: Path, recipe_path: Path, batch: int
) -> None:
    recipe = read_recipe(recipe_path)
    images = load_split(lesions, "test", recipe.data, recipe.preprocessing).images
    model = built.model_dir / "model.onnx"
    assert np.allclose(model_logits(model, images, batch), model_logits(model, images, 24), atol=1e-4)


def test_the_file_says_nothing_about_the_machine_it_was_made_on(built: Built) -> None:
    content = (built.model_dir / "model.onnx").read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in content
    assert b"site-packages" not in content


def test_the_graph_takes_bytes_and_gives_floats(built: Built) -> None:
    model = session(built.model_dir / "model.onnx")
    (taken,), (given,) = model.get_inputs(), model.get_outputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(uint8)", [32, 32, 3])
    assert (given.name, given.type, given.shape[1:]) == ("logits", "tensor(float)", [3])
    assert isinstance(taken.shape[0], str)
