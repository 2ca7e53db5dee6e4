"""A hybrid network: convolutions while the picture is large, attention once few positions are left.

Convolution, BatchNorm and ReLU (He et al. 2016) find local structure and quantise well; attention (Vaswani
et al. 2017, pre-norm) relates what is far apart and costs little on a handful of positions (as in CoAtNet,
Dai et al. 2021). Positions need no embedding: padded convolutions leave their mark, and a lesion has no up.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.recipe import Hybrid as Spec


class Residual(nn.Module):
    """Two 3x3 convolutions around which the signal passes unchanged; `inner` channels between them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inner = convolution(width, inner)
        self.outer = nn.Sequential(nn.Conv2d(inner, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.outer(self.inner(features)))


class Attention(nn.Module):
    """Multi-head self-attention over [n, positions, width]; heads can be fewer than width / head_width."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width, bias=False)
        self.value = nn.Linear(width, heads * head_width)
        self.out = nn.Linear(heads * head_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (self._split(part(tokens)) for part in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(-1, -2) * self.head_width**-0.5, -1)
        return self.out((weights @ value).transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _split(self, projected: Tensor) -> Tensor:
        """[n, positions, heads * head_width] to [n, heads, positions, head_width]."""
        n, positions, _ = projected.shape
        return projected.reshape(n, positions, self.heads, self.head_width).transpose(1, 2)


class Block(nn.Module):
    """Attention, then a two-layer perceptron of `hidden` units, each added to what it reads.

    While training, a whole batch skips the block with probability `drop_path` (Huang et al. 2016), which
    regularises as skipping by image does and saves the time.
    """

    def __init__(self, width: int, heads: int, head_width: int, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, head_width)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        kept = 1.0
        if self.training and self.drop_path:
            if torch.rand(()) < self.drop_path:
                return tokens
            kept = 1 - self.drop_path
        tokens = tokens + self.attention(self.attention_norm(tokens)) / kept
        return tokens + self.perceptron(self.perceptron_norm(tokens)) / kept  # type: ignore[no-any-return]


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Hybrid(Classifier):
    """Stem, stages, blocks, head; pruning changes the widths of its layers in place."""

    def __init__(self, spec: Spec, classes: int) -> None:
        super().__init__(spec.attention.width, classes, spec.dropout)
        layers: list[nn.Module] = [convolution(3, spec.stem, stride=2)]
        width = spec.stem
        for stage in spec.stages:
            layers.append(convolution(width, stage.width, stride=2))
            layers += [Residual(stage.width, stage.width) for _ in range(stage.blocks)]
            width = stage.width
        deep = spec.attention
        self.stages = nn.Sequential(*layers)
        self.embed = nn.Sequential(
            nn.Conv2d(width, deep.width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(deep.width)
        )
        self.blocks = nn.Sequential(
            *(
                Block(
                    deep.width,
                    deep.heads,
                    deep.width // deep.heads,
                    deep.hidden,
                    spec.drop_path * (index + 1) / deep.blocks,
                )
                for index in range(deep.blocks)
            )
        )
        self.norm = nn.LayerNorm(deep.width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def positions(self, images: Tensor) -> Tensor:
        tokens = self.embed(self.stages(images)).flatten(2).transpose(1, 2)
        return self.norm(self.blocks(tokens))  # type: ignore[no-any-return]
