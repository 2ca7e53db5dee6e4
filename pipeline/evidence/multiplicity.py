"""Many comparisons at one error rate: Tukey over all pairs, Holm over separate questions."""

import math
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist

import numpy as np

_NORMAL = NormalDist()
_GRID = np.linspace(-9.0, 9.0, 721)
"""Steps of 1/40: the trapezoid rule on a smooth, decaying integrand is exact to rounding there."""
_DENSITY = np.exp(-(_GRID**2) / 2) / math.sqrt(2 * math.pi)


def z(confidence: float) -> float:
    """Quantile of the standard normal distribution at `confidence` (0..1, both ends excluded)."""
    return _NORMAL.inv_cdf(confidence)


def p_above(score: float) -> float:
    """Probability that a standard normal value exceeds `score`; exact in the far tail."""
    return math.erfc(score / math.sqrt(2)) / 2


@lru_cache(maxsize=64)
def tukey_critical(k: int, alpha: float) -> float:
    """Standard errors that the largest of all differences between `k` equal groups exceeds with `alpha`.

    q(1 - alpha; k, ∞)/√2 (Tukey 1953; Kramer 1956): 1.960, 2.344, 2.569, 2.728, 2.850 for k = 2..6 at .05.
    Found by bisection of the distribution of the range, P(Q <= q) = k ∫ φ(z) (Φ(z) - Φ(z - q))^(k-1) dz.

    Raises ValueError unless k >= 2 and 0 < alpha < 1.
    """
    if k < 2 or not 0 < alpha < 1:
        raise ValueError(f"no critical value for {k} groups at an error rate of {alpha}")
    low, high = 0.0, 2 * _GRID[-1]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _range_below(middle, k) < 1 - alpha else (low, middle)
    return float((low + high) / 2 / math.sqrt(2))


def _range_below(q: float, k: int) -> float:
    """Probability that `k` standard normal values span less than `q`."""
    between = np.array([_NORMAL.cdf(x) - _NORMAL.cdf(x - q) for x in _GRID])
    return float(k * (_DENSITY * between ** (k - 1)).sum() * (_GRID[1] - _GRID[0]))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values (Holm 1979): rejecting where <= alpha errs anywhere with at most alpha.

    Raises ValueError when a p-value is not within 0..1.
    """
    if not all(0 <= p <= 1 for p in p_values.values()):
        raise ValueError("a p-value is not within 0..1")
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
