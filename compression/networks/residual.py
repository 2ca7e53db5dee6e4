"""A small residual network (He et al. 2016): convolution, BatchNorm and ReLU only, which INT8 likes."""

import torch
from torch import Tensor, nn

from evenscreen.compression.recipe import Network


class Block(nn.Module):
    """Two convolutions around which the signal passes unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(width, width), convolution(width, width))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)  # type: ignore[no-any-return]


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Residual(nn.Module):
    """From normalised images float32 [n, 3, H, W] to logits float32 [n, classes]."""

    def __init__(self, spec: Network, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(3, spec.stem, stride=2)]
        width = spec.stem
        for wider in spec.widths:
            layers += [convolution(width, wider, stride=2), Block(wider)]
            width = wider
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        pooled = self.features(images).mean((2, 3))
        return self.head(self.dropout(pooled))  # type: ignore[no-any-return]


MEAN, DEVIATION = (0.5 * 255,) * 3, (0.25 * 255,) * 3
"""What the graph normalises by, in units of 0..255."""


def normalise(images: Tensor) -> Tensor:
    """`images` [n, 3, H, W] of 0..255 to about zero mean and unit deviation."""
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    return (images - mean) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
