"""What a network is to minimise: the labels' part, the teacher's, and the gap between skin tones."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from evenscreen.compression.data import UNKNOWN
from evenscreen.compression.networks.classifier import Answer
from evenscreen.compression.recipe import Teaching, Training
from evenscreen.schemas.errors import Fatal

FOCUS = 2.0
"""Focal loss: how fast an easy image stops counting (Lin et al. 2017)."""


class LabelLoss(Protocol):
    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss float32 [n] of each image, from logits [n, classes] and labels int64 [n].

        A label is a class, anything but one, or UNKNOWN, which costs nothing: see data.py.
        """


def label_loss(plan: Training, shift: Tensor) -> LabelLoss:
    """The loss that `plan` names; `shift` is `serving_shift` of the training labels.

    weighted        cross-entropy, rare classes weighing more
    logit_adjusted  cross-entropy of logits that the class frequencies were added to (Menon et al. 2021)
    focal           cross-entropy, certain images weighing less (Lin et al. 2017)

    Of an image that is anything but one class the logarithm of all others' probability counts (negative
    learning: Kim et al. 2019), at the mean weight of what it seems to be, without focus or smoothing.
    """
    adjusted = shift if plan.loss == "logit_adjusted" else torch.zeros_like(shift)
    weights = torch.exp(-shift) if plan.loss == "weighted" else torch.ones_like(shift)

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        logits = logits + adjusted
        exact = F.cross_entropy(
            logits, labels.clamp(min=0), weights, label_smoothing=plan.label_smoothing, reduction="none"
        )
        if plan.loss == "focal":
            sure = torch.softmax(logits, 1).gather(1, labels.clamp(min=0)[:, None]).squeeze(1)
            exact = (1 - sure) ** FOCUS * exact
        told = torch.where(labels < UNKNOWN, _excluded(logits, UNKNOWN - 1 - labels, weights), exact)
        return torch.where(labels == UNKNOWN, 0.0, told)

    return loss


def _excluded(logits: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """Loss [n] of images that are not `label` [n], where it is a label at all.

    The network's probabilities are weighted already, so the mean weight under what is true is the harmonic
    one under them; the arithmetic mean would make `label` too rare once the weights are undone.
    """
    others = logits.scatter(1, label.clamp(min=0)[:, None], -math.inf)
    weight = 1 / (torch.softmax(others.detach(), 1) / weights).sum(1)
    return weight * (logits.logsumexp(1) - others.logsumexp(1))


def serving_shift(labels: npt.NDArray[np.int64], classes: int, plan: Training) -> npt.NDArray[np.float32]:
    """What to add to the logits [classes] to undo the weights that come of the frequencies of `labels` [n].

    Training under class weights w learns probabilities proportional to w * p: subtract log w (Elkan 2001).
    Logit adjustment by balance * log p learns what is left: add it again. Focal loss is not undone; the
    temperature is fitted after it. A class without images shifts by nothing.
    """
    counts = np.bincount(labels, minlength=classes)
    frequency = np.where(counts > 0, np.maximum(counts, 1) / len(labels), 1.0)
    if plan.loss == "weighted":
        weights = frequency**-plan.balance
        shift = -np.log(weights / weights[labels].mean())
    elif plan.loss == "logit_adjusted":
        shift = plan.balance * np.log(frequency)
    else:
        shift = np.zeros(classes)
    return np.asarray(shift, np.float32)


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Divergence float32 [n] of the student's softened probabilities from the teacher's (Hinton et al. 2015).

    Times the squared temperature, so that gradients keep their size whatever the temperature.
    """
    divergence = F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher / temperature, 1),
        reduction="none",
        log_target=True,
    )
    return divergence.sum(1) * temperature**2


def feature_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over positions of the squared distance float32 [n] between features [n, positions, width].

    Each position's features are scaled to length one: directions are taught, not sizes (after Romero et al.
    2015, whose hints this follows). Raises Fatal when the two networks see other positions.
    """
    if student.shape[1] != teacher.shape[1]:
        raise Fatal(
            f"Student and teacher have {student.shape[1]} and {teacher.shape[1]} positions: for features "
            "to be taught, both must halve the image equally often."
        )
    return (F.normalize(student, dim=2) - F.normalize(teacher, dim=2)).square().sum(2).mean(1)


def gap(losses: Tensor, tones: Tensor) -> Tensor:
    """How far the worst tone's mean loss is above the mean; `tones` int64 [n], 0 = as taken.

    In sums over seven tones, shown or not: asking which are would wait for the device.
    """
    counts = torch.zeros(7, device=losses.device).index_add(0, tones, torch.ones_like(losses))
    sums = torch.zeros(7, device=losses.device).index_add(0, tones, losses)
    shown, means = counts > 0, sums / counts.clamp(min=1)
    worst = torch.where(shown, means, -math.inf).max()
    return worst - means.sum() / shown.sum()


def taught_loss(
    by_label: Tensor, labelled: Tensor, student: Answer, teacher: Answer, tones: Tensor, teaching: Teaching
) -> Tensor:
    """The mean over one batch of what labels (loss [n], where `labelled`) and teacher say, and the gap."""
    taught = distillation_loss(student.logits, teacher.logits, teaching.temperature)
    from_teacher = torch.where(labelled, teaching.logits, 1.0)
    losses = (1 - from_teacher) * by_label + from_teacher * taught
    if teaching.features:
        losses = losses + teaching.features * feature_loss(student.features, teacher.features)
    total = losses.mean()
    return total + teaching.fairness * gap(losses, tones) if teaching.fairness else total
