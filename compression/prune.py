"""Make a network smaller: units go, least important first, until a number of parameters is reached.

Torch-Pruning's dependency graph (Fang et al. 2023, "DepGraph") finds what shrinks together. The target is in
parameters, while a graph's own ratio is per channel: 60 % fewer parameters would be about 0.37 there.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch_pruning as tp
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import Classifier, parameters
from evenscreen.compression.networks.hybrid import Attention
from evenscreen.compression.units import Importance, Units, units
from evenscreen.schemas.errors import Fatal

UNEVENNESS = 1.25
"""If all layers keeping the same share would leave each with k of its units, none is left with less than
k ** UNEVENNESS, give or take a slice, in however many calls: ranked without a guard, layers collapse."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Units of one layer that go together: one head, or as many as leave a multiple of `round_to`."""

    layer: str
    gone: Tensor
    parameters: int
    score: float
    """The mean of its units' scores."""


def prune_to(
    network: Classifier,
    keep_parameters: int,
    importance: Importance,
    round_to: int,
    example_side: int,
) -> None:
    """Remove units of `network` in place until it has at most `keep_parameters`, and hardly fewer.

    Every layer keeps at least `round_to` channels or hidden units, always a multiple of it, or one head.
    What blocks add to keeps its width. Units compete by how they stand among units that are built alike and
    cost alike: only these have comparable numbers (Fang et al. 2024, "Isomorphic Pruning").

    `example_side` is the side in pixels of the image that traces the network. The device stays; an optimiser
    or average of the network from before must be made anew. Raises Fatal when the target cannot be reached.
    """
    excess = parameters(network) - keep_parameters
    if excess <= 0:
        return
    layers = units(network)
    scores = _scaled(importance, layers)
    removable = {name: _slices(name, layer, scores[name], round_to) for name, layer in layers.items()}
    most = sum(part.parameters for slices in removable.values() for part in slices)
    if excess > most:
        raise Fatal(
            f"At least {parameters(network) - most} parameters of this network stay, so it cannot be pruned "
            f"to {keep_parameters}: prune less, or choose narrower blocks."
        )
    gone: dict[str, list[Tensor]] = {}
    for part in _chosen(_guarded(removable, layers, excess), excess):
        gone.setdefault(part.layer, []).append(part.gone)
    remove(network, {name: torch.cat(parts) for name, parts in gone.items()}, example_side)


def remove(network: Classifier, gone: Mapping[str, Tensor], example_side: int) -> None:
    """Take the units `gone` (indices int64 by layer, of any order) out of `network`, in place."""
    layers, training = units(network), network.training
    example = torch.zeros(1, 3, example_side, example_side, device=next(network.parameters()).device)
    network.eval()
    with torch.enable_grad():
        graph = tp.DependencyGraph().build_dependency(network, example_inputs=example)
    for name, indices in gone.items():
        layer = layers[name]
        rows = (indices.sort().values[:, None] * layer.size + torch.arange(layer.size)).flatten().tolist()
        writer = layer.writers[0]
        out = tp.prune_conv_out_channels if isinstance(writer, nn.Conv2d) else tp.prune_linear_out_channels
        group = graph.get_pruning_group(writer, out, rows)
        _require_only(layer, group, rows, name)
        group.prune()
        if isinstance(attention := network.get_submodule(name), Attention):
            attention.heads -= len(indices)
    network.train(training)


def _scaled(importance: Importance, layers: Mapping[str, Units]) -> dict[str, Tensor]:
    """`importance` by its mean size over all layers of one kind and cost."""
    alike: dict[tuple[str, int], list[str]] = {}
    for name, layer in layers.items():
        alike.setdefault((layer.kind, layer.parameters), []).append(name)
    scaled: dict[str, Tensor] = {}
    for names in alike.values():
        mean = torch.cat([importance[name] for name in names]).abs().mean().clamp(min=1e-30)
        scaled |= {name: importance[name] / mean for name in names}
    return scaled


def _slices(name: str, layer: Units, scores: Tensor, round_to: int) -> list[Slice]:
    """All that may go from `layer`, least important first."""
    step, first = (1, 1) if layer.kind == "heads" else (round_to, layer.count % round_to or round_to)
    order = scores.argsort(stable=True)
    slices, start = [], 0
    for end in range(first, layer.count - step + 1, step):
        chosen = order[start:end]
        slices.append(Slice(name, chosen, len(chosen) * layer.parameters, float(scores[chosen].mean())))
        start = end
    return slices


def _guarded(
    removable: Mapping[str, list[Slice]], layers: Mapping[str, Units], excess: int
) -> dict[str, list[Slice]]:
    """What may go from each layer in this call."""
    share = 1 - (1 - _even_share(removable, layers, excess)) ** UNEVENNESS
    for beyond in (0, 1):
        # Where whole slices within the limit do not add up, the slice that crosses it may go too.
        upto = {
            name: bisect_right(
                list(accumulate(len(part.gone) for part in slices)), share * layers[name].count
            )
            for name, slices in removable.items()
        }
        allowed = {name: slices[: upto[name] + beyond] for name, slices in removable.items()}
        if sum(part.parameters for slices in allowed.values() for part in slices) >= excess:
            break
    return allowed


def _even_share(removable: Mapping[str, list[Slice]], layers: Mapping[str, Units], excess: int) -> float:
    """The share 0..1 which, taken from every layer as far as it can go, removes `excess` parameters."""
    limits = {name: sum(part.parameters for part in slices) for name, slices in removable.items()}
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        goes = sum(
            min(share * layer.count * layer.parameters, limits[name]) for name, layer in layers.items()
        )
        low, high = (share, high) if goes < excess else (low, share)
    return high


def _chosen(allowed: Mapping[str, list[Slice]], excess: int) -> list[Slice]:
    """Slices of lowest score that hold `excess` parameters, and less than the smallest of them more."""
    waiting = {name: slices[::-1] for name, slices in allowed.items()}
    chosen: list[Slice] = []
    while excess > 0:
        following = [slices[-1] for slices in waiting.values() if slices]
        fitting = [part for part in following if part.parameters <= excess]
        if fitting:
            part = min(fitting, key=lambda part: part.score)
        else:
            part = min(following, key=lambda part: (part.parameters, part.score))
        chosen.append(waiting[part.layer].pop())
        excess -= part.parameters
    return _without_needless(chosen, -excess)


def _without_needless(chosen: list[Slice], surplus: int) -> list[Slice]:
    """`chosen`, in order, without the last slices that fit into `surplus` parameters; no layer skips one."""
    kept: list[Slice] = []
    for part in reversed(chosen):
        if part.parameters <= surplus and all(part.layer != other.layer for other in kept):
            surplus -= part.parameters
        else:
            kept.append(part)
    return kept


def _require_only(layer: Units, group: tp.Group, rows: list[int], name: str) -> None:
    """Stop before anything goes that was not asked for: what shrinks together was found by tracing."""
    touched = [(item.dep.target.module, list(item.idxs)) for item in group]
    ours = [(module, indices) for module, indices in touched if any(module is one for one in layer.modules)]
    parameterised = [module for module, _ in touched if any(True for _ in module.parameters())]
    if len(parameterised) != len(layer.modules) or any(indices != rows for _, indices in ours):
        raise Fatal(f"Removing units of {name} would change other layers: this network cannot be pruned so.")
