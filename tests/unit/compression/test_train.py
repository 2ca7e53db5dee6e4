"""Training: it can be killed, it balances classes, it learns."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression import lessons
from evenscreen.compression.augment import View, augment, draw_views
from evenscreen.compression.data import UNLABELLED, anything_but, joined, load_split
from evenscreen.compression.losses import serving_shift
from evenscreen.compression.networks.classifier import Classifier, normalise
from evenscreen.compression.networks.make import make
from evenscreen.compression.recipe import Lessons, Phase, Recipe, Told, read_recipe
from evenscreen.compression.retone import Retone
from evenscreen.compression.tones import skin_lab
from evenscreen.compression.train import Diverged, Material, Run, _loss, _start, learning_rate, train
from evenscreen.schemas.errors import Fatal


@pytest.fixture
def recipe(recipe_path: Path) -> Recipe:
    return read_recipe(recipe_path)


@pytest.fixture
def plan(recipe: Recipe) -> Lessons:
    """Three epochs with all that a checkpoint must hold: a bridge, a teacher, tones, images without label."""
    training = recipe.parent.training.model_copy(
        update={"phases": (Phase(epochs=3, side=24),), "judge_every_epochs": 1}
    )
    return Lessons(training=training, teaching=recipe.parent.teaching)


@pytest.fixture
def material(lesions: Path, recipe: Recipe, plan: Lessons) -> Material:
    labelled, unlabelled, val = (
        load_split(lesions, name, recipe.data, recipe.preprocessing) for name in ("train", UNLABELLED, "val")
    )
    both = joined(labelled, unlabelled)
    retone = Retone(skin_lab(both.images), torch.device("cpu"))
    shift = serving_shift(labelled.labels, 3, plan.training)
    return lessons.material(recipe.data, plan.training, both, val, shift, retone)


@pytest.fixture
def teacher(recipe: Recipe) -> Classifier:
    torch.manual_seed(5)
    return make(recipe.guide.network, 3).eval()


def fresh(recipe: Recipe) -> Classifier:
    torch.manual_seed(6)
    return make(recipe.parent.network, 3)


class Killed(Exception):
    """Stands for a kill."""


def test_a_killed_training_ends_in_the_same_weights(
    recipe: Recipe,
    plan: Lessons,
    material: Material,
    teacher: Classifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = train(fresh(recipe), plan, material, "key", tmp_path / "whole", teacher)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("evenscreen.compression.train.console.print", die)
        with pytest.raises(Killed):
            train(fresh(recipe), plan, material, "key", tmp_path / "killed", teacher)
    resumed = train(fresh(recipe), plan, material, "key", tmp_path / "killed", teacher)
    for ours, theirs in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("at", [2, 4, 5])
def test_a_kill_between_judged_epochs_costs_those_since_and_nothing_else(
    recipe: Recipe,
    plan: Lessons,
    material: Material,
    tmp_path: Path,
    at: int,
) -> None:
    """`at`: which epoch, from 1, is under way when it is killed; val is asked after 2, 4 and 5."""
    rarely = plan.training.model_copy(
        update={"phases": (Phase(epochs=5, side=24),), "judge_every_epochs": 2, "mixup": 0.4}
    )
    learning = Lessons(training=rarely, teaching=None)
    whole = train(fresh(recipe), learning, material, "key", tmp_path / "whole")
    asked = 0

    def dying(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked > 2 * steps * (at - 1):
            raise Killed
        return material.label_loss(logits, labels)

    steps = -(-len(material.images) // rarely.batch)
    with pytest.raises(Killed):
        train(
            fresh(recipe),
            learning,
            Material(**{**vars(material), "label_loss": dying}),
            "key",
            tmp_path / "killed",
        )
    resumed = train(fresh(recipe), learning, material, "key", tmp_path / "killed")
    for ours, theirs in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_killed_save_leaves_all_files_that_the_checkpoint_names(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = iter([0.5, 0.5, 0.6, 0.6, 0.7, 0.7])
    rising = Material(**{**vars(material), "judge": lambda _: next(areas)})
    one = Lessons(
        training=plan.training.model_copy(
            update={"phases": (Phase(epochs=2, side=24),), "keep_best": 1, "judge_every_epochs": 1}
        )
    )
    saved = Run.save

    def full(run: Run, path: Path, fingerprint: str) -> None:
        if run.epoch == 2:
            raise Killed
        saved(run, path, fingerprint)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "save", full)
        with pytest.raises(Killed):
            train(fresh(recipe), one, rising, "key", tmp_path)
    assert (tmp_path / "best-001.pt").exists()
    train(fresh(recipe), one, rising, "key", tmp_path)


def test_patience_is_asked_after_val_only(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    areas = iter([0.9] * 2 + [0.5] * 99)
    bored = Material(**{**vars(material), "judge": lambda _: next(areas)})
    patient = plan.training.model_copy(
        update={"phases": (Phase(epochs=12, side=24),), "patience_epochs": 2, "judge_every_epochs": 3}
    )
    train(fresh(recipe), Lessons(training=patient), bored, "key", tmp_path)
    assert capsys.readouterr().err.count("epoch ") == 2


def test_training_goes_on_only_under_its_own_recipe_and_data(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path
) -> None:
    alone = plan.model_copy(update={"teaching": None})
    train(fresh(recipe), alone, material, "key", tmp_path)
    with pytest.raises(Fatal, match="other data"):
        train(fresh(recipe), alone, material, "another", tmp_path)


def test_a_loss_that_is_no_number_ends_training(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path
) -> None:
    network = fresh(recipe)
    with torch.no_grad():
        network.head.bias[0] = float("nan")
    with pytest.raises(Diverged, match=r"not numbers after epoch 1"):
        train(network, plan, material, "key", tmp_path)


def test_what_only_the_last_step_of_an_epoch_spoils_ends_training_too(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path
) -> None:
    """Its loss, measured before, is a number still: with one step an epoch there is no other."""
    once = plan.training.model_copy(update={"batch": len(material.images)})

    def steep(logits: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Zero, with an infinite gradient."""
        value = logits[:, 0]
        return (value - value.detach()).sqrt()

    infinite = Material(**{**vars(material), "label_loss": steep})
    with pytest.raises(Diverged, match=r"weights are not numbers after epoch 1"):
        train(fresh(recipe), Lessons(training=once), infinite, "key", tmp_path / "steep")
    huge = once.model_copy(update={"peak_learning_rate": 1e30})
    with pytest.raises(Diverged, match="answers is not a number"):
        train(fresh(recipe), Lessons(training=huge), material, "key", tmp_path / "huge")


def test_a_full_disk_is_a_sentence_and_leaves_the_last_checkpoint(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    short = plan.model_copy(update={"teaching": None})
    with monkeypatch.context() as patched:
        patched.setattr("evenscreen.compression.train.torch.save", full)
        with pytest.raises(Fatal, match="disk full"):
            train(fresh(recipe), short, material, "key", tmp_path)
    assert not list(tmp_path.glob("*.partial"))
    train(fresh(recipe), short, material, "key", tmp_path)


def test_training_stops_when_val_no_longer_improves(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    areas = iter([0.9] + [0.5] * 99)
    bored = Material(**{**vars(material), "judge": lambda _: next(areas)})
    patient = plan.training.model_copy(update={"phases": (Phase(epochs=9, side=24),), "patience_epochs": 2})
    train(fresh(recipe), Lessons(training=patient), bored, "key", tmp_path)
    assert capsys.readouterr().err.count("epoch ") == 3
    assert sorted(path.name for path in tmp_path.glob("best-*")) == ["best-001.pt", "best-003.pt"]


def test_the_learning_rate_rises_to_its_peak_and_ends_at_nothing(plan: Lessons) -> None:
    training = plan.training
    rates = [learning_rate(step / 100, training) for step in range(101)]
    assert max(rates) == pytest.approx(training.peak_learning_rate)
    assert rates[0] < 0.1 * max(rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_both_forms_of_an_image_are_turned_and_lit_alike() -> None:
    images = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)

    def darker(shown: torch.Tensor, which: torch.Tensor, tones: torch.Tensor) -> torch.Tensor:
        assert torch.equal(shown, images[which])
        assert tones.min() >= 1
        return shown // 2

    view = draw_views(images, darker, torch.arange(8), 24, 0.5, torch.Generator().manual_seed(1))
    rendered = view.tones > 0
    assert 0 < rendered.sum() < 8
    assert torch.equal(view.shown[~rendered], view.original[~rendered])
    assert torch.allclose(2 * view.shown[rendered], view.original[rendered], atol=3)


def test_a_view_that_nobody_teaches_by_is_drawn_by_the_same_chance() -> None:
    images = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    with_original, alone = (
        draw_views(images, lambda shown, *_: shown // 2, torch.arange(8), 24, 0.5, one, taught=taught)
        for one, taught in zip(generators, (True, False), strict=True)
    )
    assert torch.equal(with_original.shown, alone.shown)
    assert torch.equal(with_original.tones, alone.tones)
    assert alone.original is alone.shown is not with_original.original
    assert torch.equal(*(torch.rand(3, generator=one) for one in generators))


def test_a_mixture_keeps_the_larger_share_of_its_own() -> None:
    shown = torch.tensor([0.0, 100.0, 200.0]).view(3, 1, 1, 1).expand(3, 3, 4, 4)
    view = View(shown, 0.5 * shown, torch.zeros(3, dtype=torch.int64)).mixed(torch.tensor([1.0, 0.75, 0.5]))
    assert view.original[:, 0, 0, 0].tolist() == [0.0, 75.0, 150.0]
    assert view.shown[:, 0, 0, 0].tolist() == [0.0, 37.5, 75.0]


def test_a_mixture_of_images_has_their_labels_in_the_same_shares(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path
) -> None:
    chosen, shares = torch.arange(0, 42, 7), torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    learning = Lessons(training=plan.training)
    run = _start(fresh(recipe), torch.nn.Identity(), plan.training, tmp_path / "none", "key")
    run.network.eval()
    view = draw_views(material.images, None, chosen, 24, 0.0, torch.Generator().manual_seed(1))
    found = _loss(run, None, view, material, chosen, shares, learning)
    labels = material.labels[chosen]
    assert not torch.equal(labels, labels.roll(1, 0))
    said = run.network(normalise(view.mixed(shares).shown))
    expected = shares * material.label_loss(said, labels)
    expected = expected + (1 - shares) * material.label_loss(said, labels.roll(1, 0))
    assert found.item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_between_judged_epochs_nothing_is_asked_or_saved(
    recipe: Recipe, plan: Lessons, material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rarely = plan.training.model_copy(
        update={"phases": (Phase(epochs=5, side=24),), "judge_every_epochs": 2, "keep_best": 9}
    )
    train(fresh(recipe), Lessons(training=rarely), material, "key", tmp_path)
    assert sorted(path.name for path in tmp_path.glob("best-*")) == [
        "best-002.pt",
        "best-004.pt",
        "best-005.pt",
    ]
    assert capsys.readouterr().err.count("epoch ") == 3


def test_what_is_told_of_images_without_label_is_learned(lesions: Path, recipe: Recipe) -> None:
    told = recipe.data.model_copy(update={"told": Told(column="melanoma", label="MEL")})
    split = load_split(lesions, UNLABELLED, told, recipe.preprocessing)
    assert sorted(set(split.labels.tolist())) == [anything_but(0), 0]
    assert (split.labels == 0).sum() == 4
    wrong = recipe.data.model_copy(update={"told": Told(column="dx", label="MEL")})
    with pytest.raises(Fatal, match="column dx: 0 or 1"):
        load_split(lesions, UNLABELLED, wrong, recipe.preprocessing)


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
