"""ResNet-50 (He et al. 2016) with random weights: the network everybody has timed, to measure ours against.

What a multiplication costs says how well a graph suits a machine, whatever the machine; answers are noise.
"""

import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evenscreen.compression.export import Serving, export
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Quantisation
from evenscreen.schemas.manifest import Preprocessing

SIDE = 224
CLASSES = 1000
MACS = 4_089_184_256
"""Multiplications with accumulation for one image."""


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolution; the signal passes by, through a 1x1 convolution where its shape changes."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            *_convolution(inputs, width, 1), nn.ReLU(),
            *_convolution(width, width, 3, stride), nn.ReLU(),
            *_convolution(width, outputs, 1),
        )  # fmt: skip
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, 1, stride))

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.shortcut(features) + self.body(features))


class ResNet50(nn.Module):
    """25.6 million parameters, 4.1 billion multiplications for an image of 224 x 224."""

    STAGES: ClassVar = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__()
        layers: list[nn.Module] = [*_convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
        inputs = 64
        for width, blocks, stride in self.STAGES:
            for index in range(blocks):
                layers.append(Bottleneck(inputs, width, stride if index == 0 else 1))
                inputs = 4 * width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits float32 [n, CLASSES] of normalised `images` float32 [n, 3, H, W]."""
        return self.head(self.body(images).mean((2, 3)))  # type: ignore[no-any-return]


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """Convolution of `side` x `side` and BatchNorm."""
    layer = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return layer, nn.BatchNorm2d(outputs)


def write_yardstick(path: Path) -> None:
    """Write it to `path` in static INT8, made by the same code as the models that it is held against."""
    spec, noise = Preprocessing(height=SIDE, width=SIDE), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "fp32.onnx"
        export(Serving(ResNet50(), np.zeros(CLASSES, np.float32)), spec, fp32)
        images = noise.integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
        quantise(fp32, images, Quantisation(images=len(images)), path)
