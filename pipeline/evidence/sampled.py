"""Rates and areas where outcomes of flagged or unflagged images came of random draws.

An image that was drawn with probability π stands for w = 1/π images (Horvitz and Thompson 1952). Weighted
figures are unbiased whatever decides who is malignant; what they cost in certainty is in the limits.
"""

from dataclasses import dataclass
from typing import NamedTuple

from evenscreen.pipeline.evidence.auroc import AreaComponents
from evenscreen.pipeline.evidence.rates import ASSESSABLE_WEIGHTED, Rate
from evenscreen.pipeline.evidence.weighted import effective


class Side(NamedTuple):
    """One class on one side of the threshold: images seen, Σw and Σw², and the mean weight on that side."""

    seen: int
    weight: float
    square: float
    typical: float
    """Σw²/Σw of all outcomes on this side: what one more image would weigh; 1 where there is none."""

    @property
    def effective(self) -> float:
        return effective(self.weight, self.square)


@dataclass(frozen=True)
class SampledRate:
    """The share of one class that the model called right, with the certainty that is left of it.

    `right` and `wrong` are the images of the class on either side of the threshold. Rare images that weigh
    much and were not seen at all must not look like none: half an image is added on each side, of the weight
    that is typical there. Then the odds right : wrong have the relative variance 1/(k₁ + ½) + 1/(k₂ + ½), k
    the effective number of images seen, and n_eff = 1/(s̃(1 - s̃)·that) - 1, which without weights is the
    number of images (Korn and Graubard 1998 for limits from an effective number).
    """

    right: Side
    wrong: Side

    @property
    def share(self) -> float:
        return self.right.weight / (self.right.weight + self.wrong.weight)

    @property
    def cautious_variance(self) -> float:
        """Of the share, with half an image more on each side."""
        right = self.right.weight + self.right.typical / 2
        wrong = self.wrong.weight + self.wrong.typical / 2
        share = right / (right + wrong)
        odds = 1 / (self.right.effective + 0.5) + 1 / (self.wrong.effective + 0.5)
        return (share * (1 - share)) ** 2 * odds

    @property
    def plain_variance(self) -> float:
        """Of the share, from what was seen; 0 where one side was not."""
        if 0 in (self.right.seen, self.wrong.seen):
            return 0.0
        odds = 1 / self.right.effective + 1 / self.wrong.effective
        return (self.share * (1 - self.share)) ** 2 * odds

    @property
    def effective(self) -> float:
        right = self.right.weight + self.right.typical / 2
        share = right / (right + self.wrong.weight + self.wrong.typical / 2)
        return share * (1 - share) / self.cautious_variance - 1


def sampled_rate(right: Side, wrong: Side, design_effect: float | None) -> Rate | None:
    """The weighted share, assessable by its effective number of images; `design_effect` is that of patients.

    None without an image, or where one patient has them all.
    """
    seen = right.seen + wrong.seen
    if seen == 0 or design_effect is None:
        return None
    found = SampledRate(right, wrong)
    alike = max(1.0, design_effect * seen / max(found.effective, 0.5))
    return Rate(found.share * seen, seen, alike, weighted=True)


def sampled_area(
    theta: float,
    variance: float,
    s10: float,
    s01: float,
    patients: int,
    effective_classes: tuple[float, float],
    sensitivity: SampledRate,
    specificity: SampledRate,
) -> AreaComponents | None:
    """The weighted AUROC with as many positives and negatives as its weights and rates are worth.

    An area is θ = s·θ₁ + (1 - s)·θ₀ over positives above and below the threshold. What the plain variance of
    s leaves out, where hardly any missed positive was drawn, is missing from that of θ too and is added, at
    most (θ₁ - θ₀)² <= 1 times; likewise for negatives. None where either rate is not assessable.
    """
    if min(sensitivity.effective, specificity.effective) < ASSESSABLE_WEIGHTED:
        return None
    m = int(min(effective_classes[0], sensitivity.effective))
    n = int(min(effective_classes[1], specificity.effective))
    unseen = sum(max(0.0, one.cautious_variance - one.plain_variance) for one in (sensitivity, specificity))
    return AreaComponents(theta, variance + unseen, s10, s01, m, n, patients)
