"""95 % limits of a proportion (Wilson) and of an area under the ROC curve (DeLong). Pure numpy."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


class Limits(NamedTuple):
    """An estimate with its 95 % limits, all in 0..1."""

    value: float
    low: float
    high: float


def wilson_interval(successes: int, n: int) -> Limits:
    """Score interval of a proportion (Wilson 1927): sound for small n and at 0 or 1.

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is not a proportion")
    return wilson_limits(successes / n, n, Z95)


def wilson_limits(share: float, n: float, c: float) -> Limits:
    """Wilson's limits of `share` (0..1) at `c` standard errors; an effective `n` need not be whole.

    Raises ValueError when a number is not finite or out of its range (0 <= share <= 1, n > 0, c > 0).
    """
    if not (0 <= share <= 1 and 0 < n < math.inf and 0 < c < math.inf):
        raise ValueError(f"no Wilson limits for a share of {share} of {n} at {c} standard errors")
    spread = c * math.sqrt(share * (1 - share) / n + c**2 / (4 * n**2))
    centre, scale = share + c**2 / (2 * n), 1 + c**2 / n
    low = 0.0 if share == 0 else (centre - spread) / scale
    high = 1.0 if share == 1 else (centre + spread) / scale
    return Limits(share, min(max(low, 0.0), share), max(min(high, 1.0), share))


def delong_interval(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Limits:
    """AUROC of `scores` [n] for `labels` [n] (1 = positive); ties count one half.

    Variance after DeLong, DeLong, Clarke-Pearson (1988), by midranks (Sun and Xu 2014); limits on the logit
    scale (Pepe 2003, 5.2), so that they stay within 0..1. Where the estimated variance is 0 (perfect
    separation), which no sample proves, the limits are Wilson's for the smaller class.

    Raises ValueError when a class is absent, a class has one member only, or a score is not finite.
    """
    positive, negative = placements(scores, labels)
    area = float(positive.mean())
    variance = positive.var(ddof=1) / positive.size + negative.var(ddof=1) / negative.size
    if variance == 0 or area in (0.0, 1.0):
        smaller = min(positive.size, negative.size)
        proxy = wilson_interval(round(area * smaller), smaller)
        return Limits(area, min(area, proxy.low), max(area, proxy.high))
    centre = np.log(area / (1 - area))
    spread = Z95 * np.sqrt(variance) / (area * (1 - area))
    low, high = 1 / (1 + np.exp(-(centre + np.array([-spread, spread]))))
    return Limits(area, float(low), float(high))


def placements(
    scores: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """V10 [m] and V01 [n]: per positive the share of negatives below it, per negative of positives above it.

    A tie counts one half, so both means are the AUROC; the order is that of the rows. Raises ValueError when
    a score is not finite, a label is neither 0 nor 1, or a class has fewer than two members.
    """
    scores, given = np.asarray(scores, np.float64), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != given.shape:
        raise ValueError("scores and labels must be vectors of one length")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite")
    is_positive = given == 1
    if not (is_positive | (given == 0)).all():
        raise ValueError("a label is neither 0 nor 1")
    n_positive, n_negative = int(is_positive.sum()), int((~is_positive).sum())
    if min(n_positive, n_negative) < 2:
        raise ValueError(f"AUROC needs two of each class, not {n_positive} and {n_negative}")
    overall = midranks(scores)
    positive = (overall[is_positive] - midranks(scores[is_positive])) / n_negative
    negative = 1 - (overall[~is_positive] - midranks(scores[~is_positive])) / n_positive
    return positive, negative


def midranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks 1..n of `values` [n]; tied values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: npt.NDArray[np.float64] = last - (counts - 1) / 2
    return means[inverse]
