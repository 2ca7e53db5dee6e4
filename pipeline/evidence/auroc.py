"""The area under the ROC curve of groups: rows -> components -> figures that compare."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evenscreen.pipeline.evidence.clusters import clustered_variance, design_effect
from evenscreen.pipeline.evidence.intervals import placements, wilson_limits
from evenscreen.pipeline.evidence.pairs import Estimate

ASSESSABLE_CASES = 30
"""Positives, and negatives, that a group needs before a normal approximation says anything about it."""
PRIOR_CASES = 30
"""Weight, in cases, of the pooled placement variance in a group's own."""


def is_assessable(positives: int, negatives: int) -> bool:
    """Whether a group is large enough for a verdict on its AUROC."""
    return min(positives, negatives) >= ASSESSABLE_CASES


@dataclass(frozen=True)
class AreaComponents:
    """All that a group's rows say about its AUROC; one row of SQL.

    `theta` is the area, `s10` and `s01` the sample variances (divisor m - 1, n - 1) of the placements V10 and
    V01, `variance` the clustered one, or s10/m + s01/n where every image is a patient of its own.
    """

    theta: float
    variance: float
    s10: float
    s01: float
    positives: int
    negatives: int
    patients: int

    def __post_init__(self) -> None:
        if not 0 <= self.theta <= 1 or min(self.positives, self.negatives) < 2:
            raise ValueError("an area is within 0..1 and needs two positives and two negatives")
        if not all(0 <= part < math.inf for part in (self.variance, self.s10, self.s01)):
            raise ValueError("a variance is negative or not finite")

    @property
    def assessable(self) -> bool:
        return is_assessable(self.positives, self.negatives)

    @property
    def design_effect(self) -> float:
        """D >= 1: how many times less an image tells because it shares its patient with others."""
        return design_effect(self.variance, self.s10 / self.positives + self.s01 / self.negatives)


def area_components(
    scores: npt.ArrayLike, labels: npt.ArrayLike, clusters: npt.ArrayLike | None = None
) -> AreaComponents:
    """Components of scores [n], `labels` [n] (1 = positive) and optional `clusters` [n], the patients.

    DeLong et al. (1988) by midranks (Sun and Xu 2014), clustered after Obuchowski (1997). Raises ValueError
    as `placements` and `clustered_variance` do.
    """
    positive, negative = placements(scores, labels)
    m, n, theta = positive.size, negative.size, float(positive.mean())
    s10, s01 = float(positive.var(ddof=1)), float(negative.var(ddof=1))
    if clusters is None:
        return AreaComponents(theta, s10 / m + s01 / n, s10, s01, m, n, m + n)
    influence, is_positive = np.empty(m + n), np.asarray(labels) == 1
    influence[is_positive], influence[~is_positive] = (positive - theta) / m, (negative - theta) / n
    variance = clustered_variance(influence, clusters)
    return AreaComponents(theta, variance, s10, s01, m, n, np.unique(np.asarray(clusters)).size)


@dataclass(frozen=True)
class Area:
    """A group's AUROC with placement variances shrunk toward those of all groups (S10*, S01*)."""

    components: AreaComponents
    s10: float
    s01: float

    @cached_property
    def variance(self) -> float:
        """v* = D (S10*/m + S01*/n); where no group shows any, that of a rate over the smaller class."""
        own = self.components
        shrunk = own.design_effect * (self.s10 / own.positives + self.s01 / own.negatives)
        if shrunk > 0:
            return shrunk
        centre = (own.theta * self._smaller + 0.5) / (self._smaller + 1)
        return centre * (1 - centre) / self._smaller

    @property
    def _smaller(self) -> float:
        return min(self.components.positives, self.components.negatives) / self.components.design_effect

    def limits(self, c: float) -> Estimate:
        """Limits on the logit scale at `c` standard errors, no wider than Wilson's for the smaller class.

        No distribution of scores gives an area more variance than θ(1 - θ)/min(m, n) (Birnbaum and Klose
        1957). That keeps the logit from limits of 0 and 1 when θ is almost 1, and is all there is to say when
        no group shows any variance: perfect separation is not certainty.
        """
        own = self.components
        widest = wilson_limits(own.theta, self._smaller, c)
        if self.s10 == self.s01 == 0:
            return Estimate(own.theta, own.theta, widest.low, widest.high)
        pairs = own.positives * own.negatives
        centre = (own.theta * pairs + 0.5) / (pairs + 1)
        logit, spread = math.log(centre / (1 - centre)), math.sqrt(self.variance) / (centre * (1 - centre))
        low, high = _expit(logit - c * spread), _expit(logit + c * spread)
        return Estimate(
            own.theta, centre, min(max(low, widest.low), centre), max(min(high, widest.high), centre)
        )


def shrink(groups: Mapping[str, AreaComponents]) -> dict[str, Area]:
    """Figures of all groups of one grouping, each with S* = (cases · S + 30 · S_pooled)/(cases + 30).

    Pooled is the mean over groups weighted by degrees of freedom. Groups that are too small for a verdict
    still say something about the variance, so pass them too.
    """
    if not groups:
        return {}
    ms = np.array([one.positives for one in groups.values()], float)
    ns = np.array([one.negatives for one in groups.values()], float)
    s10s = np.array([one.s10 for one in groups.values()])
    s01s = np.array([one.s01 for one in groups.values()])
    s10s = (ms * s10s + PRIOR_CASES * np.average(s10s, weights=ms - 1)) / (ms + PRIOR_CASES)
    s01s = (ns * s01s + PRIOR_CASES * np.average(s01s, weights=ns - 1)) / (ns + PRIOR_CASES)
    return {
        name: Area(one, float(s10), float(s01))
        for (name, one), s10, s01 in zip(groups.items(), s10s, s01s, strict=True)
    }


def _expit(x: float) -> float:
    return (1 + math.tanh(x / 2)) / 2
