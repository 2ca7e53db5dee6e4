"""Do probabilities mean what they say? Descriptions by bins, and the residual, which alone gets a verdict."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evenscreen.pipeline.evidence.clusters import clustered_variance
from evenscreen.pipeline.evidence.intervals import wilson_limits
from evenscreen.pipeline.evidence.pairs import Estimate

ASSESSABLE_ROWS = 100
"""Cases that a group needs for a verdict on its calibration residual."""


class Bins(NamedTuple):
    """Sums over the rows of each probability bin, float64 [bins]; r = y - p. One GROUP BY of SQL."""

    n: npt.NDArray[np.float64]
    residual: npt.NDArray[np.float64]
    residual_squared: npt.NDArray[np.float64]
    binomial: npt.NDArray[np.float64]
    """Σ p(1 - p), the variance of the sum of outcomes if the probabilities are right."""


class BinnedCalibration(NamedTuple):
    """Expected calibration error beside what a perfect model of this size would show (never a verdict)."""

    ece: float
    floor: float
    squared_error: float
    """Unbiased estimate of the mean squared error of calibration; chance makes it negative at times."""


class CalibrationLine(NamedTuple):
    """logit P(y = 1) = intercept + slope · logit p (Cox 1958); 0 and 1 for calibrated probabilities."""

    intercept: float
    slope: float


def calibration_bins(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, bins: int = 15) -> Bins:
    """Sums over `bins` bins of equal width, each closed below, the last on both sides (Guo et al. 2017: 15).

    Raises ValueError when there is no row, lengths differ, a probability is not in 0..1, or an outcome is
    neither 0 nor 1.
    """
    p, y = _checked(probabilities, outcomes)
    index = np.minimum((p * bins).astype(int), bins - 1)
    residual = y - p
    n, first, second, binomial = (
        np.bincount(index, weights=part, minlength=bins).astype(np.float64)
        for part in (np.ones_like(p), residual, residual**2, p * (1 - p))
    )
    return Bins(n, first, second, binomial)


def binned_calibration(bins: Bins) -> BinnedCalibration:
    """Σ_b (n_b/n)|r̄_b|, its floor Σ_b (n_b/n)√(2·mean(p(1 - p))/(π n_b)), and Σ_b (n_b/n)(r̄_b² - s_b²/n_b).

    ECE is biased upward by chance, the more the fewer the cases: never compare groups of different size by
    it. A bin of one case has no variance to subtract, so the squared error is over the others, and NaN if
    there are none.
    """
    used = bins.n > 0
    n, residual, squared, binomial = (part[used] for part in bins)
    mean = residual / n
    many = n > 1
    spread = (squared[many] - n[many] * mean[many] ** 2) / (n[many] - 1)
    unbiased = (n[many] * mean[many] ** 2 - spread).sum() / n[many].sum() if many.any() else math.nan
    return BinnedCalibration(
        ece=float(np.abs(residual).sum() / n.sum()),
        floor=float((n * np.sqrt(2 * binomial / (np.pi * n**2))).sum() / n.sum()),
        squared_error=float(unbiased),
    )


def calibration_line(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    resolution: float = 1e-4,
    counts: npt.ArrayLike | None = None,
) -> CalibrationLine:
    """Logistic regression of outcomes on logit p by Newton's method; `counts` [n]: how many such rows.

    Probabilities of 0 and 1 count as half a step of `resolution` away from them. Raises ValueError as
    `calibration_bins` does, and when no line fits: all probabilities or outcomes are equal, or the
    probabilities separate the outcomes completely, which makes the slope infinite.
    """
    p, y = _checked(probabilities, outcomes)
    many = np.ones_like(p) if counts is None else np.asarray(counts, np.float64)
    if many.shape != p.shape or not (many >= 0).all():
        raise ValueError("counts must be a vector of the same length, and not negative")
    p, y, many = p[many > 0], y[many > 0], many[many > 0]
    if p.size == 0:
        raise ValueError("no calibration line: there is no case")
    p = np.clip(p, resolution / 2, 1 - resolution / 2)
    x = np.log(p) - np.log1p(-p)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("no calibration line: all probabilities or all outcomes are equal")
    low, high = (x[y == outcome] for outcome in (0, 1))
    if low.max() <= high.min() or high.max() <= low.min():
        raise ValueError("no calibration line: the probabilities separate the outcomes")
    centre = np.average(x, weights=many)
    spread = math.sqrt(np.average((x - centre) ** 2, weights=many))
    level, steepness = _newton(np.column_stack([np.ones_like(x), (x - centre) / spread]), y, many)
    slope = steepness / spread
    return CalibrationLine(float(level - slope * centre), float(slope))


@dataclass(frozen=True)
class Residual:
    """mean(y - p) of a group: how much more often the disease is there than the probabilities say."""

    value: float
    own_variance: float
    n: int
    positives: int

    @property
    def assessable(self) -> bool:
        return self.n >= ASSESSABLE_ROWS

    @property
    def variance(self) -> float:
        centre = (self.positives + 0.5) / (self.n + 1)
        return self.own_variance if self._informed else centre * (1 - centre) / self.n

    def limits(self, c: float) -> Estimate:
        """Normal limits at `c` standard errors; where all outcomes are equal, Wilson's of their share."""
        if self._informed:
            reach = c * math.sqrt(self.own_variance)
            return Estimate(self.value, self.value, self.value - reach, self.value + reach)
        share, low, high = wilson_limits(self.positives / self.n, self.n, c)
        return Estimate(self.value, self.value, self.value + low - share, self.value + high - share)

    @property
    def _informed(self) -> bool:
        return 0 < self.positives < self.n and self.own_variance > 0


def residual(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, clusters: npt.ArrayLike | None = None
) -> Residual:
    """Calibration residual of rows [n] with its variance, clustered by patients `clusters` [n] if given.

    Raises ValueError as `calibration_bins` does, with fewer than two rows, and with fewer than two patients.
    """
    p, y = _checked(probabilities, outcomes)
    if p.size < 2:
        raise ValueError("a calibration residual needs two cases")
    value = float((y - p).mean())
    variance = float((y - p).var(ddof=1) / p.size)
    if clusters is not None:
        variance = max(variance, clustered_variance((y - p - value) / p.size, clusters))
    return Residual(value, variance, p.size, int(y.sum()))


def _newton(
    design: npt.NDArray[np.float64], y: npt.NDArray[np.float64], many: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Maximum likelihood of a logistic regression, halving steps that would lower the likelihood."""
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        fitted = 0.5 * (1 + np.tanh(design @ beta / 2))
        gradient = design.T @ (many * (y - fitted))
        hessian = design.T @ (design * (many * fitted * (1 - fitted))[:, None])
        step = np.linalg.solve(hessian, gradient)
        before = _log_likelihood(design @ beta, y, many)
        while np.abs(step).max() > 1e-12 and _log_likelihood(design @ (beta + step), y, many) < before:
            step /= 2
        beta = beta + step
        if np.abs(step).max() <= 1e-12 * max(1.0, np.abs(beta).max()):
            return beta
    raise ValueError("no calibration line: Newton's method did not settle")


def _log_likelihood(
    linear: npt.NDArray[np.float64], y: npt.NDArray[np.float64], many: npt.NDArray[np.float64]
) -> float:
    return float((many * (y * linear - np.logaddexp(0, linear))).sum())


def _checked(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    p, y = np.asarray(probabilities, np.float64), np.asarray(outcomes)
    if p.ndim != 1 or p.size == 0 or p.shape != y.shape:
        raise ValueError("probabilities and outcomes must be vectors of one length, not empty")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a probability is not within 0..1")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("an outcome is neither 0 nor 1")
    return p, y.astype(np.float64)
