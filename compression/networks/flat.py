"""The same attention blocks in the form that a processor likes: fewer and larger products.

The positions of all images are the rows of one matrix, so that every layer is one Gemm with its bias inside;
query, key and value come from one product; the scale of the scores is in the query's weights. Answers stay
what they were, but for the order of sums.
"""

from typing import cast

import torch
from torch import Tensor, nn

from evenscreen.compression.networks.hybrid import Attention, Block


class FlatBlock(nn.Module):
    """One Block, its dropped paths forgotten."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        attention = block.attention
        self.heads, self.head_width = attention.heads, attention.head_width
        self.attention_norm, self.out = block.attention_norm, attention.out
        self.projection = _one_projection(attention)
        self.perceptron_norm, self.perceptron = block.perceptron_norm, block.perceptron

    def forward(self, rows: Tensor, positions: int) -> Tensor:
        """From `rows` [n * positions, width], image after image, to the same shape."""
        rows = rows + self.out(self._attend(self.projection(self.attention_norm(rows)), positions))
        return rows + self.perceptron(self.perceptron_norm(rows))  # type: ignore[no-any-return]

    def _attend(self, projected: Tensor, positions: int) -> Tensor:
        split = projected.reshape(-1, positions, 3 * self.heads, self.head_width).transpose(1, 2)
        query, key, value = torch.split(split, self.heads, 1)
        weights = torch.softmax(query @ key.transpose(-1, -2), -1)
        attended: Tensor = (weights @ value).transpose(1, 2)
        return attended.reshape(-1, self.heads * self.head_width)


class FlatBlocks(nn.Module):
    """A sequence of blocks over [n, positions, width]; `positions` is the same for every image."""

    def __init__(self, blocks: nn.Sequential) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FlatBlock(cast(Block, block)) for block in blocks)

    def forward(self, tokens: Tensor) -> Tensor:
        _, positions, width = tokens.shape
        rows = tokens.reshape(-1, width)
        for block in self.blocks:
            rows = block(rows, positions)
        return rows.reshape(-1, positions, width)


@torch.no_grad()
def _one_projection(attention: Attention) -> nn.Linear:
    """Query, key and value, one after the other, the query divided by the root of the head's width."""
    scale = attention.head_width**-0.5
    query, key, value = attention.query, attention.key, attention.value
    no_bias = torch.zeros(key.out_features)
    projection = nn.Linear(query.in_features, 3 * key.out_features)
    projection.weight.copy_(torch.cat([query.weight * scale, key.weight, value.weight]))
    projection.bias.copy_(torch.cat([query.bias * scale, no_bias, value.bias]))
    return projection
