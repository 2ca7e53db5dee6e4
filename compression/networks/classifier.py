"""What every network here is: features, then one linear layer."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

MEAN, DEVIATION = (0.5 * 255,) * 3, (0.25 * 255,) * 3
"""What the graph normalises by, in units of 0..255."""


class Answer(NamedTuple):
    """Logits float32 [n, classes] and features float32 [n, positions, width]."""

    logits: Tensor
    features: Tensor


class Classifier(nn.Module):
    """From normalised images float32 [n, 3, H, W] to logits float32 [n, classes]."""

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def positions(self, images: Tensor) -> Tensor:
        """The last features at each position, row by row: float32 [n, positions, width]."""
        raise NotImplementedError

    def classify(self, positions: Tensor) -> Tensor:
        """Logits from `positions`, all positions counting alike."""
        return self.head(self.dropout(positions.mean(1)))  # type: ignore[no-any-return]

    def answer(self, images: Tensor) -> Answer:
        """All that a student can be taught."""
        positions = self.positions(images)
        return Answer(self.classify(positions).float(), positions.float())

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.positions(images))


def normalise(images: Tensor) -> Tensor:
    """`images` [n, 3, H, W] of 0..255 to about zero mean and unit deviation."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / torch.tensor(DEVIATION, device=images.device).view(1, 3, 1, 1)


def parameters(network: nn.Module) -> int:
    """How many numbers the network learned."""
    return sum(parameter.numel() for parameter in network.parameters())
