"""A share of cases: sensitivity, specificity, flag and rejection rates."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenscreen.pipeline.evidence.clusters import cluster_index, clustered_variance, design_effect
from evenscreen.pipeline.evidence.intervals import wilson_limits
from evenscreen.pipeline.evidence.pairs import Estimate

ASSESSABLE_ROWS = 30
"""Denominator that a group needs for a verdict on a rate."""
ASSESSABLE_WEIGHTED = 100
"""Effective denominator where images have weights: a few heavy ones decide, and their number is skewed."""


@dataclass(frozen=True)
class Rate:
    """`successes` of `n`; `design_effect` D >= 1 divides n where patients have several images.

    `difference` of two of these is Newcombe's (1998) interval. Where images are `weighted`, `successes` need
    not be whole and D holds what the weights cost, so that n/D images must be enough.
    """

    successes: float
    n: int
    design_effect: float = 1.0
    weighted: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.n or self.n == 0:
            raise ValueError(f"{self.successes} of {self.n} is not a proportion")
        if not 1 <= self.design_effect < math.inf:
            raise ValueError(f"a design effect of {self.design_effect} is not 1 or more")

    @property
    def assessable(self) -> bool:
        if self.weighted:
            return self.n / self.design_effect >= ASSESSABLE_WEIGHTED
        return self.n >= ASSESSABLE_ROWS

    @property
    def centre(self) -> float:
        """p̃ = (successes + ½)/(n + 1), never 0 or 1."""
        return (self.successes + 0.5) / (self.n + 1)

    @property
    def variance(self) -> float:
        return self.design_effect * self.centre * (1 - self.centre) / self.n

    def limits(self, c: float) -> Estimate:
        """Wilson's limits at `c` standard errors with the effective denominator n/D."""
        share, low, high = wilson_limits(self.successes / self.n, self.n / self.design_effect, c)
        return Estimate(share, share, low, high)


def rate(outcomes: npt.ArrayLike, clusters: npt.ArrayLike | None = None) -> Rate:
    """The share of 1 in `outcomes` [n] (0 or 1), for rows of patients `clusters` [n].

    Where all outcomes are equal no variance between patients shows, and any may be there: D is then that of
    patients whose images all say the same, Σ n_p²/n.

    Raises ValueError when there is no row, an outcome is neither 0 nor 1, or lengths differ.
    """
    given = np.asarray(outcomes)
    if given.ndim != 1 or given.size == 0 or not np.isin(given, (0, 1)).all():
        raise ValueError("a rate needs a vector of 0 and 1")
    n, successes = given.size, int((given == 1).sum())
    if clusters is None:
        return Rate(successes, n)
    if np.shape(clusters) != given.shape:
        raise ValueError("rows and patients must be vectors of one length")
    if successes in (0, n):
        images = np.bincount(cluster_index(clusters))
        return Rate(successes, n, float((images**2).sum() / n))
    share = successes / n
    clustered = clustered_variance(((given == 1) - share) / n, clusters)
    return Rate(successes, n, design_effect(clustered, share * (1 - share) / n))
