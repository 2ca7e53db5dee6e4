"""Cases with a planted truth: binormal scores, patients with several images that resemble each other."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.evidence.auroc import area_components
from evenscreen.pipeline.evidence.calibration import residual
from evenscreen.pipeline.evidence.rates import rate

NORMAL = NormalDist()
AUROC, SENSITIVITY = 0.91, 0.90
PREVALENCE = 0.2
MEAN = math.sqrt(2) * NORMAL.inv_cdf(AUROC)
"""Of the scores of positives; those of negatives have mean 0, both deviation 1."""
THRESHOLD = MEAN - NORMAL.inv_cdf(SENSITIVITY)


@dataclass(frozen=True)
class Truth:
    """How one group differs: what is added to the scores of its positives and of its negatives."""

    positives: float = 0.0
    negatives: float = 0.0


def gap(metric: str, size: float) -> Truth:
    """The truth under which exactly `metric` of a group is lower by `size`, whatever the others do."""
    if metric == "auroc":
        return Truth(positives=math.sqrt(2) * NORMAL.inv_cdf(AUROC - size) - MEAN)
    if metric == "sensitivity":
        return Truth(positives=THRESHOLD + NORMAL.inv_cdf(SENSITIVITY - size) - MEAN)
    specificity = NORMAL.cdf(THRESHOLD)
    return Truth(negatives=THRESHOLD - NORMAL.inv_cdf(specificity - size))


@dataclass(frozen=True)
class Cases:
    """Cases of one group, in the order in which they came."""

    scores: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    def first(self, n: int) -> "Cases":
        return Cases(self.scores[:n], self.labels[:n], self.patients[:n])

    def figures(self) -> GroupFigures:
        positive = self.labels == 1
        flagged = self.scores >= THRESHOLD
        odds = MEAN * self.scores - MEAN**2 / 2 + math.log(PREVALENCE / (1 - PREVALENCE))
        enough = min(positive.sum(), (~positive).sum()) >= 2
        return GroupFigures(
            rate(flagged[positive], self.patients[positive]) if positive.any() else None,
            rate(~flagged[~positive], self.patients[~positive]) if (~positive).any() else None,
            area_components(self.scores, self.labels, self.patients) if enough else None,
            residual(1 / (1 + np.exp(-odds)), self.labels, self.patients) if len(self.labels) > 1 else None,
        )


def draw(
    random: np.random.Generator, positives: int, negatives: int, truth: Truth, images: int, alike: float
) -> Cases:
    """`images` per patient whose scores correlate by `alike`; classes come in any order."""
    n = positives + negatives
    labels = random.permutation(np.repeat([1, 0], (positives, negatives)))
    patients = np.arange(n) // images
    shared = random.standard_normal(patients[-1] + 1)[patients]
    noise = math.sqrt(alike) * shared + math.sqrt(1 - alike) * random.standard_normal(n)
    means = np.where(labels == 1, MEAN + truth.positives, truth.negatives)
    return Cases(means + noise, labels, patients)
