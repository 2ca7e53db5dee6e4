"""What two models said about the same images: rows, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What one model says: `scores` int64 [n] 0..10,000 and `flagged` bool [n] at its own threshold."""

    scores: Integers
    flagged: Booleans


@dataclass(frozen=True)
class Cases:
    """The same n images seen by both models: `malignant` bool [n], `patients` str [n] where they are known.

    `positions` int64 [n] say where each stands in what it was taken from: names may be personal data.
    """

    parent: Answers
    candidate: Answers
    malignant: Booleans
    positions: Integers
    patients: npt.NDArray[np.str_] | None = None

    def take(self, chosen: Booleans) -> "Cases":
        """The images where `chosen` (bool [n]) is true."""
        parent, candidate = (
            Answers(side.scores[chosen], side.flagged[chosen]) for side in (self.parent, self.candidate)
        )
        patients = None if self.patients is None else self.patients[chosen]
        return Cases(parent, candidate, self.malignant[chosen], self.positions[chosen], patients)

    @property
    def n(self) -> int:
        return len(self.malignant)

    @property
    def positives(self) -> int:
        return int(self.malignant.sum())

    @property
    def negatives(self) -> int:
        return self.n - self.positives

    @property
    def people(self) -> int:
        """Patients; where they are not known, every image counts as one."""
        return self.n if self.patients is None else len(np.unique(self.patients))

    @property
    def rankable(self) -> bool:
        """Whether an AUROC and its variance can be computed at all."""
        return min(self.positives, self.negatives, self.people) > 1


@dataclass(frozen=True)
class Evidence:
    """All that both models answered, in groups by name; a group without images belongs in it too."""

    split: str
    overall: Cases
    simulated: Mapping[str, Cases]
    """`overall` rendered at each tone, in its order."""
    reported_data: str | None = None
    reported: Mapping[str, Cases] = field(default_factory=dict)
    """By range of the skin types that clinicians reported: these decide."""
    reported_types: Mapping[str, Cases] = field(default_factory=dict)
