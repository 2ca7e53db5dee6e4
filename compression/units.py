"""What can be removed from a network without touching the width that its blocks add to.

Channels within a residual block, hidden units of a perceptron, and whole attention heads. Removing one
changes nothing outside of its own layer, so parameters add up: that makes a target exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from torch import Tensor, nn

from evenscreen.compression.networks.hybrid import Block, Residual

Matrix = nn.Conv2d | nn.Linear
Kind = Literal["channels", "hidden", "heads"]
Importance = Mapping[str, Tensor]
"""Of every layer of `units`, by name, how much the network needs each unit: float32 [count], any sign."""


@dataclass(frozen=True)
class Units:
    """One layer's units, as they are now."""

    kind: Kind
    count: int
    writers: tuple[Matrix, ...]
    """Whose output rows are the units, `size` rows each."""
    reader: Matrix
    """Whose input columns are the units."""
    norm: nn.Module | None = None
    """What scales each unit by itself on its way."""

    @property
    def size(self) -> int:
        """Rows per unit."""
        return int(self.writers[0].weight.shape[0]) // self.count

    @property
    def modules(self) -> set[nn.Module]:
        """Everything that shrinks when a unit goes."""
        return {*self._by_row, self.reader}

    @property
    def parameters(self) -> int:
        """What one unit costs."""
        per_row = sum(values[0].numel() for module in self._by_row for values in module.parameters())
        per_row += self.reader.weight[:, 0].numel()
        return self.size * per_row

    @property
    def _by_row(self) -> tuple[nn.Module, ...]:
        """What holds a row for each unit's rows."""
        return self.writers if self.norm is None else (*self.writers, self.norm)


def units(network: nn.Module) -> dict[str, Units]:
    """Every layer that has units, by its name within `network`, in the order of the network."""
    found: dict[str, Units] = {}
    for name, module in network.named_modules():
        match module:
            case Residual():
                found[name] = _between(module.inner[0], module.outer[0], "channels", module.inner[1])
            case Block():
                deep = module.attention
                writers = (deep.query, deep.key, deep.value)
                found[f"{name}.attention"] = Units("heads", deep.heads, writers, deep.out)
                found[f"{name}.perceptron"] = _between(module.perceptron[0], module.perceptron[2], "hidden")
    return found


def _between(writer: nn.Module, reader: nn.Module, kind: Kind, norm: nn.Module | None = None) -> Units:
    writer = cast("Matrix", writer)
    return Units(kind, int(writer.weight.shape[0]), (writer,), cast("Matrix", reader), norm)
