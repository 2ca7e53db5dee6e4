"""EfficientNet-Lite2 in layers of our own, whose inner channels pruning can take: the form that is shipped.

Between two 1x1 convolutions a depthwise one (inverted residuals: Sandler et al. 2018, "MobileNetV2"), ReLU6
and no gates, made for integers (Tan and Le 2019; Google 2020). Sides of images are multiples of 32 pixels.
"""

import torch
from torch import Tensor, nn

from evenscreen.compression.recipe import LITE_WIDTH
from evenscreen.schemas.errors import Fatal

# kernel, stride, inner channels per input, outputs, blocks
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 3),
    (5, 2, 6, 48, 3),
    (3, 2, 6, 88, 4),
    (5, 1, 6, 120, 4),
    (5, 2, 6, 208, 5),
    (3, 1, 6, 352, 1),
)


class InvertedResidual(nn.Module):
    """To `inner` channels, one depthwise convolution, to `outputs`; added to what it reads where both fit.

    While training, a whole batch skips such a sum with probability `drop_path`.
    """

    def __init__(
        self, inputs: int, inner: int, outputs: int, kernel: int, stride: int, expands: bool, drop_path: float
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.stride = inputs, outputs, kernel, stride
        self.drop_path = drop_path
        self.expand = unit(inputs, inner, 1, 1) if expands else None
        self.depthwise = unit(inner, inner, kernel, stride, groups=inner)
        self.project = nn.Sequential(nn.Conv2d(inner, outputs, 1, bias=False), _norm(outputs))

    def forward(self, features: Tensor) -> Tensor:
        if self.inputs != self.outputs or self.stride != 1:
            return self._changed(features)
        if self.training and self.drop_path:
            if torch.rand(()) < self.drop_path:
                return features
            return features + self._changed(features) / (1 - self.drop_path)
        return features + self._changed(features)

    def narrowed(self, inner: int) -> "InvertedResidual":
        """A new one with `inner` channels within."""
        return InvertedResidual(
            self.inputs,
            inner,
            self.outputs,
            self.kernel,
            self.stride,
            self.expand is not None,
            self.drop_path,
        )

    def _changed(self, features: Tensor) -> Tensor:
        inner = features if self.expand is None else self.expand(features)
        return self.project(self.depthwise(inner))  # type: ignore[no-any-return]


class Trunk(nn.Module):
    """From normalised images float32 [n, 3, H, W] to maps float32 [n, 1280, H / 32, W / 32]."""

    def __init__(self, drop_path: float) -> None:
        super().__init__()
        self.stem = unit(3, 32, 3, 2)
        total, width = sum(stage[-1] for stage in STAGES), 32
        blocks: list[nn.Module] = []
        for kernel, stride, times, outputs, repeats in STAGES:
            for index in range(repeats):
                drop = drop_path * len(blocks) / total
                step = stride if index == 0 else 1
                blocks.append(InvertedResidual(width, times * width, outputs, kernel, step, times != 1, drop))
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = unit(width, LITE_WIDTH, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-1] % 32 or images.shape[-2] % 32:
            raise Fatal("EfficientNet-Lite2 needs images whose sides are multiples of 32 pixels.")
        return self.last(self.blocks(self.stem(images)))  # type: ignore[no-any-return]


def unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm, ReLU6; a stride of 2 begins at the first pixel, as TensorFlow counts."""
    layers: list[nn.Module] = []
    if stride == 2:
        before, after = (kernel - 2) // 2, (kernel - 1) // 2
        layers.append(nn.ZeroPad2d((before, after, before, after)))
    padding = 0 if stride == 2 else kernel // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(*layers, convolution, _norm(outputs), nn.ReLU6())


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
