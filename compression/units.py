"""What can be removed from a network without touching the width that its blocks add to.

Channels between the two convolutions of a residual block, hidden units of a perceptron, and whole attention
heads. Removing one changes nothing outside of its own layer, so parameters add up: that makes a target exact.
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
    norm: nn.BatchNorm2d | None
    """Between writer and reader."""
    reader: Matrix
    """Whose input columns are the units."""

    @property
    def size(self) -> int:
        """Rows per unit."""
        return int(self.writers[0].weight.shape[0]) // self.count

    @property
    def modules(self) -> set[nn.Module]:
        """Everything that shrinks when a unit goes."""
        return {*self.writers, self.reader, *([self.norm] if self.norm else [])}

    @property
    def parameters(self) -> int:
        """What one unit costs."""
        vectors = [writer.bias for writer in self.writers] + (
            [self.norm.weight, self.norm.bias] if self.norm else []
        )
        per_row = sum(writer.weight[0].numel() for writer in self.writers)
        per_row += sum(vector is not None for vector in vectors) + self.reader.weight[:, 0].numel()
        return self.size * per_row


def units(network: nn.Module) -> dict[str, Units]:
    """Every layer that has units, by its name within `network`, in the order of the network."""
    found: dict[str, Units] = {}
    for name, module in network.named_modules():
        match module:
            case Residual():
                norm = cast("nn.BatchNorm2d", module.inner[1])
                found[name] = _between(module.inner[0], module.outer[0], "channels", norm)
            case Block():
                deep = module.attention
                writers = (deep.query, deep.key, deep.value)
                found[f"{name}.attention"] = Units("heads", deep.heads, writers, None, deep.out)
                found[f"{name}.perceptron"] = _between(
                    module.perceptron[0], module.perceptron[2], "hidden", None
                )
    return found


def _between(writer: nn.Module, reader: nn.Module, kind: Kind, norm: nn.BatchNorm2d | None) -> Units:
    writer = cast("Matrix", writer)
    return Units(kind, int(writer.weight.shape[0]), (writer,), norm, cast("Matrix", reader))
