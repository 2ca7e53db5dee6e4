"""What labels ask of a network. What a teacher asks besides, and skin tones, stands in distil.py."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from evenscreen.compression.data import UNKNOWN
from evenscreen.compression.recipe import Training

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
