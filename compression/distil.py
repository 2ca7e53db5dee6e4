"""Distillation: what a teacher asks of a network, logits and features, and the gap between skin tones."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from evenscreen.compression.networks.classifier import Answer
from evenscreen.compression.recipe import Teaching
from evenscreen.schemas.errors import Fatal


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
