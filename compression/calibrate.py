"""Probabilities that mean what they say, and the score from which an image is flagged."""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from evenscreen.compression.evaluate import rates
from evenscreen.pipeline.decide import malignancy_scores, probabilities
from evenscreen.schemas.manifest import Calibration, OperatingPoint


def temperature(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], split: str) -> Calibration:
    """The temperature that makes `labels` [n] most likely under `logits` [n, L] (Guo et al. 2017)."""

    def surprise(log_temperature: float) -> float:
        chances = probabilities(logits, math.exp(log_temperature))
        return float(-np.log(np.maximum(chances[np.arange(len(labels)), labels], 1e-300)).mean())

    best = minimize_scalar(surprise, bounds=(math.log(0.05), math.log(20)), method="bounded")
    return Calibration(temperature=round(math.exp(best.x), 4), split=split)


def operating_point(
    scores: npt.NDArray[np.int64], malignant: npt.NDArray[np.bool_], target_sensitivity: float, split: str
) -> OperatingPoint:
    """The highest threshold that flags at least `target_sensitivity` of the malignant images of `split`.

    The sensitivity it reports is optimistic, since the threshold was chosen on the same images.
    """
    descending = np.sort(scores[malignant])[::-1]
    threshold = int(descending[math.ceil(target_sensitivity * len(descending)) - 1])
    sensitivity, specificity = rates(scores >= threshold, malignant)
    return OperatingPoint(
        threshold=threshold,
        target_sensitivity=target_sensitivity,
        sensitivity=sensitivity,
        specificity=specificity,
        split=split,
    )


def scores(
    logits: npt.NDArray[np.float32],
    calibration: Calibration,
    labels: tuple[str, ...],
    malignant: tuple[str, ...],
) -> npt.NDArray[np.int64]:
    """Integer scores [n] as serving will compute them from `logits` [n, L]."""
    return malignancy_scores(probabilities(logits, calibration.temperature), labels, malignant)
