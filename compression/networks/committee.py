"""Two teachers who agree on an answer before they give it."""

import torch
from torch import Tensor

from evenscreen.compression.networks.classifier import Answer, Classifier


class Committee(Classifier):
    """The mean of two networks' probabilities, and the first one's features.

    Two networks that learned differently err differently, and their mean less than either (Hansen and
    Salamon 1990).
    """

    def __init__(self, first: Classifier, second: Classifier) -> None:
        super().__init__(first.head.in_features, first.head.out_features, 0.0)
        self.first, self.second = first, second

    def answer(self, images: Tensor) -> Answer:
        first, second = self.first.answer(images), self.second.answer(images)
        both = torch.stack([torch.log_softmax(one.logits, 1) for one in (first, second)])
        return Answer(both.logsumexp(0), first.features)
