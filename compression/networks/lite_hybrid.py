"""The guide's convolutions, and attention on the few positions that they leave.

Every block begins as nothing added (its last matrices are zero), so the network begins as the guide, answer
for answer, and learns what attention adds. Taught from nothing, a network of this size learns too little from
a few thousand images.
"""

from typing import cast

import torch
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.networks.hybrid import Block
from evenscreen.compression.networks.inverted import Trunk
from evenscreen.compression.networks.lite import THEIR_SCALE, Lite
from evenscreen.compression.recipe import LITE_WIDTH
from evenscreen.compression.recipe import LiteHybrid as Spec


class LiteHybrid(Classifier):
    """Trunk, blocks, head; pruning changes the widths within blocks in place."""

    def __init__(self, spec: Spec, classes: int) -> None:
        super().__init__(LITE_WIDTH, classes, spec.dropout)
        deep = spec.attention
        self.trunk = Trunk(spec.drop_path)
        blocks = [
            Block(LITE_WIDTH, deep.heads, LITE_WIDTH // deep.heads, deep.hidden, spec.drop_path)
            for _ in range(deep.blocks)
        ]
        for block in blocks:
            for last in (block.attention.out, cast("nn.Linear", block.perceptron[2])):
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)
        self.blocks = nn.Sequential(*blocks)

    def positions(self, images: Tensor) -> Tensor:
        return self.blocks(self.trunk(images).flatten(2).transpose(1, 2))  # type: ignore[no-any-return]

    @torch.no_grad()
    def begin_as(self, guide: Lite) -> None:
        """Take over the guide's convolutions and its head."""
        theirs, ours = guide.body, self.trunk
        _take(ours.stem, theirs._conv_stem, theirs._bn0)
        ours.stem[1].weight.mul_(THEIR_SCALE)  # type: ignore[operator]
        for block, theirs_block in zip(ours.blocks, theirs._blocks, strict=True):
            if block.expand is not None:
                _take(block.expand, theirs_block._expand_conv, theirs_block._bn0)  # type: ignore[arg-type]
            _take(block.depthwise, theirs_block._depthwise_conv, theirs_block._bn1)  # type: ignore[arg-type]
            _take(block.project, theirs_block._project_conv, theirs_block._bn2)  # type: ignore[arg-type]
        _take(ours.last, theirs._conv_head, theirs._bn1)
        self.head.load_state_dict(guide.head.state_dict())


def _take(ours: nn.Sequential, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    for layer in ours:
        if isinstance(layer, nn.Conv2d):
            layer.weight.copy_(convolution.weight)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.load_state_dict(norm.state_dict())
