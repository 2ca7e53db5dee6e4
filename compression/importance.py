"""How much every unit of a network matters, and to whom.

What a unit does is read from a gate of one on it (Molchanov et al. 2019, "Importance Estimation for Neural
Network Pruning"): per image, the derivative of the loss by the gate. Its mean over a group is the slope, its
mean square the diagonal of the group's Fisher information. One forward and half a backward pass per image.

The unprivileged group is measured: the one with the highest mean loss. Loss and not AUROC, since AUROC of a
few hundred images orders groups by chance and gradients only see the loss. Groups are compared with their
like alone: images with labels (simulated tones) among themselves, images that are known to be malignant or
benign (photographs with a reported skin type) among themselves.

A unit's rank is then one number over the groups of both: fisher_max takes the highest, the sensitivity of
penalised the mean, over all groups alike; fairprune and the penalty average the two kinds. It says which unit
to keep and nothing about people; it is published nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evenscreen.compression.networks.classifier import Classifier, normalise
from evenscreen.compression.progress import counted
from evenscreen.compression.units import Importance, Units, units
from evenscreen.schemas.errors import Fatal

Method = Literal["magnitude", "penalised", "fairprune", "fisher_max"]
BATCH = 32
TINY = 1e-30


@dataclass(frozen=True)
class GroupSample:
    """Images uint8 [n, 3, H, W] of one group and what is true of them.

    `truth` int64 [n] holds labels, and the loss is cross-entropy; or bool [n] says malignant, and the loss is
    that of malignant against benign, both counting the same whatever their prevalence.
    """

    images: Tensor
    truth: Tensor

    @property
    def binary(self) -> bool:
        return self.truth.dtype == torch.bool


@dataclass(frozen=True)
class Effect:
    """What a group's loss says of every unit; each Tensor float32 [units], by layer."""

    loss: float
    slope: dict[str, Tensor]
    fisher: dict[str, Tensor]
    binary: bool
    """What kind of loss it is: see GroupSample."""


def importances(
    network: Classifier,
    groups: Mapping[str, GroupSample],
    method: Method,
    malignant: Sequence[int],
    *,
    beta: float = 0.33,
    penalty_weight: float = 0.5,
) -> Importance:
    """Importance of every unit of `network`; the least important go first. Weights and mode stay as they are.

    magnitude   length of the unit's weights; asks no group
    penalised   magnitude * sensitivity * (1 - penalty_weight * penalty), where the penalty (0..1) is high for
                a unit that causes the gap
    fairprune   (h_unprivileged - beta * h_privileged) / 2 with h the Fisher information of the gate (Wu et
                al. 2022): what mainly helps the privileged goes first; negative for the very first
    fisher_max  the highest Fisher information in any group, each group's divided by its mean, so that
                nothing goes which one group needs, however small or easy the group

    Only `penalised` gives up a shortcut that misleads a group: its gradients there are large, as are those of
    what the group needs, and the two methods of Fisher information cannot tell one from the other.

    `malignant` are the columns of the malignant labels. Raises Fatal when a group has no images, or has no
    other group to be compared with where the method compares.
    """
    asked = {} if method == "magnitude" else effects(network, groups, malignant)
    return weighed(network, asked, method, beta=beta, penalty_weight=penalty_weight)


def effects(
    network: Classifier, groups: Mapping[str, GroupSample], malignant: Sequence[int]
) -> dict[str, Effect]:
    """What all importances but magnitude are read from, by group: the slow part, the same for each."""
    return {name: effect(network, sample, malignant, name) for name, sample in groups.items()}


def weighed(
    network: Classifier,
    effects: Mapping[str, Effect],
    method: Method,
    *,
    beta: float = 0.33,
    penalty_weight: float = 0.5,
) -> Importance:
    """The `importances` of `network` from `effects` that are known already."""
    layers = units(network)
    if method == "magnitude":
        return {name: _magnitude(layer) for name, layer in layers.items()}
    if method == "fisher_max":
        return _over_groups(effects, lambda stacked: stacked.amax(0))
    kinds = [
        _compared({name: one for name, one in effects.items() if one.binary == binary})
        for binary in sorted({one.binary for one in effects.values()})
    ]
    if method == "fairprune":
        parts = [_fairprune(worst, others, beta) for worst, others in kinds]
        return {name: torch.stack([part[name] for part in parts]).mean(0) for name in layers}
    sensitivity = _over_groups(effects, lambda stacked: stacked.mean(0))
    scores = {}
    for name, layer in layers.items():
        penalty = torch.stack([gap_penalty(worst, others, name) for worst, others in kinds]).mean(0)
        scores[name] = _magnitude(layer) * sensitivity[name] * (1 - penalty_weight * penalty)
    return scores


def effect(network: Classifier, sample: GroupSample, malignant: Sequence[int], group: str) -> Effect:
    """What the loss of `sample` says of every unit of `network`, on the network's device, in batches."""
    if not len(sample.images):
        raise Fatal(f"Group '{group}' has no images to read importances from: leave it out or give it some.")
    where = next(network.parameters()).device
    layers, weights = units(network), _weights(sample).to(where)
    slope, fisher = (
        {name: torch.zeros(layer.count, device=where) for name, layer in layers.items()} for _ in "sf"
    )
    loss, training = 0.0, network.training
    gates: dict[str, Tensor] = {}
    hooks = [
        layer.reader.register_forward_pre_hook(_gated(name, layer, gates)) for name, layer in layers.items()
    ]
    network.eval()
    try:
        for start in counted(range(0, len(sample.images), BATCH), f"importances, {group}"):
            some = slice(start, start + BATCH)
            logits = network(normalise(sample.images[some].to(where).float()))
            losses = _losses(logits, sample.truth[some].to(where), malignant)
            derivatives = torch.autograd.grad(losses.sum(), list(gates.values()))
            for name, derivative in zip(gates, derivatives, strict=True):
                slope[name] += weights[some] @ derivative
                fisher[name] += weights[some] @ derivative.square()
            loss += float(weights[some] @ losses.detach())
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    slope, fisher = ({name: values.cpu() for name, values in part.items()} for part in (slope, fisher))
    return Effect(loss, slope, fisher, sample.binary)


def gap_penalty(worst: Effect, others: Sequence[Effect], name: str) -> Tensor:
    """How far each unit of layer `name` causes the gap between the worst group and the others, 0..1.

    1: without it the worst group loses less, or the others alone more; 0: without it the gap stays or grows.
    To first order: a large gradient of a wrong answer would pass for curvature, and a unit that misleads
    for one that is needed.
    """
    its, theirs = worst.slope[name], torch.stack([other.slope[name] for other in others]).mean(0)
    return (its - theirs).clamp(min=0) / (its.abs() + theirs.abs()).clamp(min=TINY)


def _fairprune(worst: Effect, others: Sequence[Effect], beta: float) -> dict[str, Tensor]:
    scale = _mean(worst.fisher)
    privileged = {
        name: torch.stack([other.fisher[name] for other in others]).mean(0) for name in worst.fisher
    }
    return {name: (worst.fisher[name] - beta * privileged[name]) / (2 * scale) for name in privileged}


def _over_groups(effects: Mapping[str, Effect], reduce: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Fisher information, each group's divided by its mean over all units, reduced from [groups, units]."""
    if not effects:
        raise Fatal("This importance is read from groups of images, and none were given.")
    scaled = [(effect.fisher, _mean(effect.fisher)) for effect in effects.values()]
    names = next(iter(effects.values())).fisher
    return {name: reduce(torch.stack([fisher[name] / mean for fisher, mean in scaled])) for name in names}


def _compared(effects: Mapping[str, Effect]) -> tuple[Effect, list[Effect]]:
    """The unprivileged group, and all others."""
    if len(effects) < 2:
        raise Fatal(f"Group '{next(iter(effects))}' has no other group of its kind to be compared with.")
    worst = max(effects, key=lambda name: effects[name].loss)
    return effects[worst], [effect for name, effect in effects.items() if name != worst]


def _magnitude(layer: Units) -> Tensor:
    """Length float32 [units] of all weights that go with each unit."""
    rows = sum(writer.weight.detach().square().flatten(1).sum(1) for writer in layer.writers)
    columns = layer.reader.weight.detach().square().transpose(0, 1).flatten(1).sum(1)
    return (rows + columns).reshape(layer.count, layer.size).sum(1).sqrt().cpu()


def _losses(logits: Tensor, truth: Tensor, malignant: Sequence[int]) -> Tensor:
    if truth.dtype != torch.bool:
        return F.cross_entropy(logits, truth, reduction="none")
    chances = torch.log_softmax(logits, 1)
    benign = [column for column in range(logits.shape[1]) if column not in malignant]
    return -torch.where(truth, chances[:, list(malignant)].logsumexp(1), chances[:, benign].logsumexp(1))


def _weights(sample: GroupSample) -> Tensor:
    """What each image counts, float32 [n], one in total."""
    each = torch.ones(len(sample.truth))
    if sample.binary and 0 < (positives := int(sample.truth.sum())) < len(each):
        each = torch.where(sample.truth.cpu(), 1 / positives, 1 / (len(each) - positives))
    return each / each.sum()


def _gated(name: str, layer: Units, gates: dict[str, Tensor]) -> Callable[[nn.Module, tuple[Tensor]], Tensor]:
    def hook(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        (signal,) = inputs
        gate = gates[name] = torch.ones(len(signal), layer.count, device=signal.device, requires_grad=True)
        wide = gate.repeat_interleave(layer.size, 1)
        return signal * (wide[:, :, None, None] if signal.ndim == 4 else wide[:, None])

    return hook


def _mean(values: Mapping[str, Tensor]) -> Tensor:
    return torch.cat(list(values.values())).mean().clamp(min=TINY)
