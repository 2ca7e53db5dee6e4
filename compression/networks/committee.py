"""Teachers who agree on an answer before they give it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import Answer, Classifier


class Committee(Classifier):
    """The mean of its members' probabilities, and the first one's features.

    Networks that learned differently err differently, and their mean less than each (Hansen and Salamon
    1990).
    """

    def __init__(self, *members: Classifier) -> None:
        super().__init__(members[0].head.in_features, members[0].head.out_features, 0.0)
        self.members = nn.ModuleList(members)

    def answer(self, images: Tensor) -> Answer:
        answers = [member.answer(images) for member in self.members]  # type: ignore[operator]
        said = torch.stack([torch.log_softmax(answer.logits, 1) for answer in answers])
        return Answer(said.logsumexp(0), answers[0].features)


def committee(members: Sequence[Classifier]) -> Classifier:
    """`members` as one teacher; one alone is no committee."""
    return members[0] if len(members) == 1 else Committee(*members)
