"""Figures of one group in many audits at once: whole columns instead of one audit after the other.

The same figures as `draws.Cases.figures`, which the tests hold these against. As in SQL, a rate of one
patient whose cases differ has no design effect and is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.evidence.auroc import AreaComponents
from evenscreen.pipeline.evidence.calibration import Residual
from evenscreen.pipeline.evidence.rates import Rate

Array = np.ndarray


@dataclass(frozen=True)
class Columns:
    """Cases of one group, arrays [audits, cases] in the order in which they came, no two scores equal.

    `residuals` are outcome minus probability; `images` cases that follow each other are of one patient.
    """

    scores: Array
    positive: Array
    flagged: Array
    residuals: Array
    images: int

    def figures(self) -> list[GroupFigures]:
        """Figures of the group in each audit."""
        order = np.argsort(self.scores, axis=1)
        positives = np.cumsum(np.take_along_axis(self.positive, order, 1), axis=1, dtype=np.int32)
        below = np.empty_like(positives)
        np.put_along_axis(below, order, positives, 1)
        negatives = np.arange(1, order.shape[1] + 1, dtype=np.int32) - positives
        other = np.empty_like(positives)
        np.put_along_axis(other, order, negatives, 1)
        return self._figures(np.where(self.positive, other, below), order.shape[1])

    def growing(self, counts: Sequence[int]) -> Iterator[list[GroupFigures]]:
        """Figures after the first `counts` cases, which only grow; each case is ranked once, as it comes."""
        below = np.zeros(self.scores.shape, np.int32)
        for before, now in pairwise([0, *counts]):
            for new in range(before, now):
                opposite = self.positive[:, :new] != self.positive[:, new : new + 1]
                higher = self.scores[:, :new] > self.scores[:, new : new + 1]
                below[:, :new] += higher & opposite
                below[:, new] = np.count_nonzero(~higher & opposite, axis=1)
            yield self._figures(below[:, :now], now)

    def _figures(self, below: Array, cases: int) -> list[GroupFigures]:
        """`below` [audits, cases]: cases of the other class with a lower score."""
        positive, flagged = self.positive[:, :cases], self.flagged[:, :cases]
        sensitivity = _rates(positive & flagged, positive, self.images)
        specificity = _rates(~positive & ~flagged, ~positive, self.images)
        areas = _areas(below, positive, self.images)
        residuals = _residuals(self.residuals[:, :cases], positive, self.images)
        return [GroupFigures(*one) for one in zip(sensitivity, specificity, areas, residuals, strict=True)]


def _by_patient(values: Array, images: int) -> Array:
    """Sums over each patient's cases, float64 [audits, patients]."""
    if images == 1:
        return values.astype(np.float64, copy=False)
    sums = np.zeros((values.shape[0], -(-values.shape[1] // images)))
    for image in range(images):
        part = values[:, image::images]
        sums[:, : part.shape[1]] += part
    return sums


def _dot(first: Array, second: Array) -> Array:
    product: Array = np.einsum("ij,ij->i", first, second)
    return product


def _rates(successes: Array, among: Array, images: int) -> list[Rate | None]:
    hits, cases = _by_patient(successes, images), _by_patient(among, images)
    s, n, patients = hits.sum(1), cases.sum(1), np.count_nonzero(cases, axis=1)
    squares, crosses, sizes = _dot(hits, hits), _dot(hits, cases), _dot(cases, cases)
    with np.errstate(divide="ignore", invalid="ignore"):
        clustered = patients / (patients - 1) * (n * n * squares - 2 * n * s * crosses + s * s * sizes)
        effects = np.where((s == 0) | (s == n), sizes / n, np.maximum(1, clustered / (n * s * (n - s))))
    return [
        Rate(int(one), int(of), float(effect)) if np.isfinite(effect) else None
        for one, of, effect in zip(s, n, effects, strict=True)
    ]


def _areas(below: Array, positive: Array, images: int) -> list[AreaComponents | None]:
    if positive.shape[1] <= images:
        return [None] * len(positive)
    is_positive, m = positive.astype(np.float64), np.count_nonzero(positive, axis=1)
    n = positive.shape[1] - m
    with np.errstate(divide="ignore", invalid="ignore"):
        # A negative's placement is the share of positives above it: 1 minus the share below.
        centred = below * np.where(positive, (1 / n)[:, None], (-1 / m)[:, None]) + (1 - is_positive)
        theta = _dot(centred, is_positive) / m
        centred -= theta[:, None]
        both, s10 = _dot(centred, centred), _dot(centred * is_positive, centred)
        spreads = s10 / (m - 1), (both - s10) / (n - 1)
        sums = _by_patient(centred * np.where(positive, (1 / m)[:, None], (1 / n)[:, None]), images)
        patients = sums.shape[1]
        variance = patients / (patients - 1) * _dot(sums, sums)
    return [
        AreaComponents(*map(float, (area, v, of_m, of_n)), int(a), int(b), patients)
        if min(a, b) > 1
        else None
        for area, v, of_m, of_n, a, b in zip(theta, variance, *spreads, m, n, strict=True)
    ]


def _residuals(residuals: Array, positive: Array, images: int) -> list[Residual | None]:
    cases = residuals.shape[1]
    if cases <= images:
        return [None] * len(residuals)
    centred = residuals - (mean := residuals.mean(axis=1))[:, None]
    sums = _by_patient(centred, images)
    patients, positives = sums.shape[1], np.count_nonzero(positive, axis=1)
    plain = _dot(centred, centred) / (cases - 1) / cases
    variance = np.maximum(plain, patients / (patients - 1) * _dot(sums, sums) / cases**2)
    return [
        Residual(float(value), float(own), cases, int(m))
        for value, own, m in zip(mean, variance, positives, strict=True)
    ]
