"""Where parameters and work are, layer by layer, and where pruning took them from."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.networks.hybrid import Attention
from evenscreen.compression.units import Matrix, units


class LayerRow(BaseModel):
    """One layer before and after; all rows together are the whole network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: str
    """What `width` counts: channels, hidden units or heads that pruning may remove, else outputs."""
    width_before: int
    width_after: int
    parameters_before: int
    parameters_after: int
    macs_before: int
    """Multiplications with accumulation for one image."""
    macs_after: int


def layer_report(before: Classifier, after: Classifier, side: int) -> list[LayerRow]:
    """Every layer of `before`, in its order, and what `after`, pruned from the same, left of it.

    MACs are those of one square image of `side` pixels.
    """
    counts = [(_owners(network), _parameters(network), _macs(network, side)) for network in (before, after)]
    (owners, parameters, macs), (owners_after, parameters_after, macs_after) = counts
    return [
        LayerRow(
            name=name,
            kind=kind,
            width_before=width,
            width_after=owners_after[name][1],
            parameters_before=parameters[name],
            parameters_after=parameters_after[name],
            macs_before=macs[name],
            macs_after=macs_after[name],
        )
        for name, (kind, width) in owners.items()
    ]


def macs(network: nn.Module, side: int) -> int:
    """Multiplications with accumulation for one square image of `side` pixels.

    Convolutions, linear layers and the two products of attention; normalisation and activations, which fuse
    or cost next to nothing, are left out.
    """
    return sum(_macs(network, side).values())


def layer_table(rows: Sequence[LayerRow]) -> Table:
    """`rows` for a terminal, with a last line for the whole network."""
    table = Table(title="Layers before and after pruning", show_footer=True)
    for heading in ("layer", "unit", "width", "parameters", "MACs", "MACs left"):
        table.add_column(heading, justify="left" if heading in ("layer", "unit") else "right")
    for row in rows:
        table.add_row(
            row.name,
            row.kind,
            _change(row.width_before, row.width_after),
            _change(row.parameters_before, row.parameters_after),
            _change(row.macs_before, row.macs_after),
            f"{row.macs_after / row.macs_before:.0%}" if row.macs_before else "",
        )
    totals = [sum(getattr(row, field) for row in rows) for field in _TOTALS]
    table.columns[0].footer = "whole network"
    table.columns[3].footer = _change(totals[0], totals[1])
    table.columns[4].footer = _change(totals[2], totals[3])
    table.columns[5].footer = f"{totals[3] / totals[2]:.0%}"
    return table


_TOTALS = ("parameters_before", "parameters_after", "macs_before", "macs_after")


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _owners(network: nn.Module) -> dict[str, tuple[str, int]]:
    """Kind and width of every row, by name: layers with units, and what holds parameters outside of them."""
    prunable = {name: (layer.kind, layer.count) for name, layer in units(network).items()}
    owners: dict[str, tuple[str, int]] = {}
    for name, parameter in network.named_parameters():
        owner = _owner(name, prunable)
        if owner in prunable:
            owners[owner] = prunable[owner]
        elif owner not in owners:
            owners[owner] = ("outputs", len(parameter))
    return owners


def _owner(name: str, prunable: Any) -> str:
    """The row that a module or parameter called `name` belongs to."""
    parts = name.split(".")
    heads = (".".join(parts[:end]) for end in range(1, len(parts)))
    return next((head for head in heads if head in prunable), ".".join(parts[:-1]))


def _parameters(network: nn.Module) -> Counter[str]:
    prunable, counts = units(network), Counter[str]()
    for name, parameter in network.named_parameters():
        counts[_owner(name, prunable)] += parameter.numel()
    return counts


@torch.no_grad()
def _macs(network: nn.Module, side: int) -> Counter[str]:
    """MACs of one image, by row."""
    prunable, counts, training = units(network), Counter[str](), network.training
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear | Attention):
            owner = _owner(f"{name}.", prunable)
            hooks.append(module.register_forward_hook(_counter(owner, counts)))
    parameter = next(network.parameters())
    network.eval()
    try:
        network(torch.zeros(1, 3, side, side, device=parameter.device, dtype=parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    return counts


def _counter(owner: str, counts: Counter[str]) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
    def hook(module: nn.Module, _: tuple[Tensor], output: Tensor) -> None:
        if isinstance(module, Attention):
            positions = output.shape[1]
            counts[owner] += 2 * positions**2 * module.heads * module.head_width
        else:
            row = cast("Matrix", module).weight[0].numel()
            counts[owner] += row * output.numel()

    return hook
