"""Critical values for figures that someone looks at every night, valid at whichever night they stop.

Normal-mixture confidence sequence (Robbins 1970; Howard et al. 2021); the mixture over true gaps is normal
with standard deviation δ, the margin. `variance` is that of the difference of a pair, v_i + v_j;
q = δ²/variance.
"""

import math


def nightly_uneven(variance: float, margin: float, k: int, alpha: float) -> float:
    """c_uneven = √((1 + 1/q)(2 ln(k(k-1)/(2α)) + ln(1 + q))), by Bonferroni over the pairs of `k` groups."""
    if k < 2:
        raise ValueError(f"{k} groups have no pair")
    return _boundary(variance, margin, 2 * alpha / (k * (k - 1)))


def nightly_even(variance: float, margin: float, alpha: float = 0.05) -> float:
    """c_even = √((1 + 1/q)(2 ln(1/(2α)) + ln(1 + q))): two one-sided tests, so 2 ln 10 at α = .05."""
    return _boundary(variance, margin, 2 * alpha)


def _boundary(variance: float, margin: float, alpha: float) -> float:
    if not (0 < variance < math.inf and 0 < margin < math.inf and 0 < alpha < 1):
        raise ValueError("variance and margin must be above 0 and the error rate between 0 and 1")
    q = margin**2 / variance
    return math.sqrt((1 + 1 / q) * (2 * math.log(1 / alpha) + math.log1p(q)))
