"""Losses: rare classes, teachers and gaps, each where the right answer is known."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.data import UNKNOWN, anything_but
from evenscreen.compression.distil import distillation_loss, feature_loss, gap, taught_loss
from evenscreen.compression.losses import label_loss, serving_shift
from evenscreen.compression.networks.classifier import Answer, Classifier
from evenscreen.compression.networks.committee import Committee
from evenscreen.compression.recipe import Phase, Teaching, Training
from evenscreen.schemas.errors import Fatal

LABELS = np.array([0] * 900 + [1] * 100)


def plan(loss: str, balance: float = 0.5, smoothing: float = 0.0) -> Training:
    return Training.model_validate(
        {
            "seed": 1,
            "phases": [Phase(epochs=1, side=8)],
            "batch": 4,
            "peak_learning_rate": 0.1,
            "weight_decay": 0.0,
            "loss": loss,
            "balance": balance,
            "label_smoothing": smoothing,
        }
    )


def fitted(
    training: Training, told: np.ndarray = LABELS, labels: np.ndarray = LABELS, classes: int = 2
) -> torch.Tensor:
    """The logits [classes] that `training` likes best when images say nothing, by gradient descent.

    It learns from what is `told`; the weights come of the frequencies of `labels`.
    """
    shift = torch.from_numpy(serving_shift(labels, classes, training))
    loss = label_loss(training, shift)
    logits = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=100)
    learned = torch.from_numpy(told)

    def closure() -> float:
        optimiser.zero_grad()
        total = loss(logits.expand(len(learned), classes), learned).mean()
        total.backward()
        return total.item()

    optimiser.step(closure)
    return logits.detach() + shift


@pytest.mark.parametrize("loss", ["weighted", "logit_adjusted"])
@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_serving_undoes_the_balance_of_training(loss: str, balance: float) -> None:
    served = torch.softmax(fitted(plan(loss, balance)), 0)
    assert served[1].item() == pytest.approx(0.1, abs=1e-3)


def test_full_balance_makes_rare_classes_count_alike() -> None:
    shift = serving_shift(LABELS, 2, plan("weighted", 1.0))
    weights = np.exp(-shift)
    assert weights[LABELS].mean() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(9)


def test_a_class_without_images_is_not_shifted_to_infinity() -> None:
    for loss in ("weighted", "logit_adjusted", "focal"):
        assert np.isfinite(serving_shift(LABELS, 3, plan(loss, 1.0))).all()


def test_focal_loss_minds_hard_images_more() -> None:
    logits, labels = torch.tensor([[4.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0])
    plain = label_loss(plan("weighted", 0.0), torch.zeros(2))(logits, labels)
    focal = label_loss(plan("focal"), torch.zeros(2))(logits, labels)
    assert focal[0] / focal[1] < 0.05 * plain[0] / plain[1]


def test_of_an_image_that_is_not_one_label_all_others_count_together() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5]])
    loss = label_loss(plan("weighted", 0.0), torch.zeros(3))
    said = torch.softmax(logits, 1)[0]
    found = loss(logits, torch.tensor([anything_but(1)]))
    assert found.item() == pytest.approx(-np.log(1 - said[1].item()), rel=1e-5)
    assert loss(logits, torch.tensor([UNKNOWN])).item() == 0


@pytest.mark.parametrize("balance", [0.5, 1.0])
def test_serving_undoes_the_balance_where_half_of_the_images_only_tell_what_they_are_not(
    balance: float,
) -> None:
    """Class 1 is a tenth of the images with a label, and of those that only tell whether they have it."""
    labels = np.array([0] * 850 + [1] * 100 + [2] * 50)
    told = np.concatenate([labels, np.where(labels == 1, 1, anything_but(1))])
    served = torch.softmax(fitted(plan("weighted", balance), told, labels, 3), 0)
    assert served.tolist() == pytest.approx([0.85, 0.1, 0.05], abs=1e-3)


def test_what_an_image_is_not_weighs_as_what_it_seems_to_be() -> None:
    shift = torch.tensor([0.0, -np.log(3.0), -np.log(9.0)], dtype=torch.float32)
    loss = label_loss(plan("weighted", 1.0), shift)
    rare, common = torch.tensor([[0.0, 5.0, 9.0]]), torch.tensor([[9.0, 5.0, 0.0]])
    label = torch.tensor([anything_but(1)])
    assert loss(rare, label).item() == pytest.approx(9 * loss(common, label).item(), rel=0.01)


def test_nothing_is_learned_from_an_image_of_which_nothing_is_known() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    label_loss(plan("focal"), torch.zeros(3))(
        logits, torch.tensor([UNKNOWN, anything_but(0)])
    ).sum().backward()
    assert logits.grad is not None
    assert not logits.grad[0].any()
    assert logits.grad[1, 0] > 0 > logits.grad[1, 1]


def test_a_student_that_says_what_its_teacher_says_loses_nothing() -> None:
    logits, features = torch.randn(5, 7), torch.randn(5, 4, 16)
    assert distillation_loss(logits, logits + 3, 2.0).abs().max() < 1e-5
    assert feature_loss(features, 3 * features).abs().max() < 1e-5
    assert (feature_loss(features, -features) - 4).abs().max() < 1e-4


def test_networks_that_see_other_positions_cannot_share_features() -> None:
    with pytest.raises(Fatal, match="4 and 9 positions"):
        feature_loss(torch.randn(2, 4, 8), torch.randn(2, 9, 8))


class Fixed(Classifier):
    """Says the same of every image."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__(4, len(logits), 0.0)
        self.said = torch.tensor([logits])

    def answer(self, images: torch.Tensor) -> Answer:
        return Answer(self.said.expand(len(images), -1), torch.zeros(len(images), 1, 4))


def test_a_committee_gives_the_mean_of_both_probabilities() -> None:
    first, second = Fixed([2.0, 0.0, -1.0]), Fixed([-3.0, 5.0, 0.0])
    said = torch.softmax(Committee(first, second).answer(torch.zeros(2, 3, 8, 8)).logits, 1)
    expected = (torch.softmax(first.said, 1) + torch.softmax(second.said, 1)) / 2
    assert torch.allclose(said, expected.expand(2, 3), atol=1e-6)


def test_softer_targets_keep_the_size_of_gradients() -> None:
    teacher = torch.tensor([[2.0, -1.0, 0.5]])
    sizes = []
    for temperature in (2.0, 20.0):
        student = torch.zeros(1, 3, requires_grad=True)
        distillation_loss(student, teacher, temperature).sum().backward()
        assert student.grad is not None
        sizes.append(student.grad.norm().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.35)


def test_the_gap_is_that_of_the_worst_tone() -> None:
    losses = torch.tensor([1.0, 1.0, 4.0, 1.0])
    assert gap(losses, torch.tensor([0, 0, 3, 3])).item() == pytest.approx(2.5 - 1.75)
    assert gap(losses, torch.tensor([2, 2, 2, 2])).item() == 0


def test_an_image_without_label_is_learned_from_the_teacher_alone() -> None:
    teaching = Teaching(logits=0.25)
    student = Answer(torch.zeros(2, 2), torch.zeros(2, 1, 1))
    teacher = Answer(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.zeros(2, 1, 1))
    by_label = torch.tensor([2.0, 1_000.0])
    taught = distillation_loss(student.logits, teacher.logits, teaching.temperature)
    total = taught_loss(
        by_label, torch.tensor([True, False]), student, teacher, torch.zeros(2, dtype=torch.int64), teaching
    )
    assert total.item() == pytest.approx((0.75 * 2.0 + 0.25 * taught[0].item() + taught[1].item()) / 2)


def test_the_weight_of_fairness_counts() -> None:
    student, teacher = (Answer(torch.zeros(2, 2), torch.zeros(2, 1, 1)) for _ in range(2))
    tones, by_label, labelled = torch.tensor([1, 6]), torch.tensor([1.0, 3.0]), torch.tensor([True, True])
    totals = [
        taught_loss(by_label, labelled, student, teacher, tones, Teaching(logits=0.0, fairness=weight)).item()
        for weight in (0.0, 0.5)
    ]
    assert totals == pytest.approx([2.0, 2.5])
