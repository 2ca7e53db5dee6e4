"""From logits to a decision. Calibration and evaluation go through here too, so serving cannot differ."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

FULL_SCORE = 10_000


@dataclass(frozen=True)
class Decision:
    """What the model says about one image.

    `score` is the calibrated probability of malignancy as an integer 0..10,000; `probabilities` are in the
    order of the manifest's labels; `flagged` means at or above the operating threshold.
    """

    score: int
    probabilities: tuple[float, ...]
    flagged: bool


def decide(logits: npt.NDArray[np.float32], manifest: Manifest) -> list[Decision]:
    """One decision per row of `logits` (float32 [N, L], L = number of labels).

    Raises Fatal when the shape is not the manifest's or a logit is not finite: the model is at fault then.
    """
    labels = manifest.labels
    if logits.ndim != 2 or logits.shape[1] != len(labels):
        raise Fatal(f"The model gave logits {list(logits.shape)} for {len(labels)} labels: check the folder.")
    chances = probabilities(logits, manifest.calibration.temperature)
    scores = malignancy_scores(chances, labels, manifest.malignant)
    threshold = manifest.operating_point.threshold
    return [
        Decision(int(score), tuple(row.tolist()), bool(score >= threshold))
        for score, row in zip(scores, chances, strict=True)
    ]


def probabilities(logits: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float64]:
    """softmax(logits / temperature), float64 [N, L] (Guo et al. 2017). Raises Fatal on a logit not finite."""
    if not np.isfinite(logits).all():
        raise Fatal("The model gave logits that are not finite: its file is not fit for use.")
    scaled = logits.astype(np.float64) / temperature
    odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    chances: npt.NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return chances


def malignancy_scores(
    chances: npt.NDArray[np.float64], labels: tuple[str, ...], malignant: tuple[str, ...]
) -> npt.NDArray[np.int64]:
    """Integer scores 0..10,000 [N]: ties are explicit and histograms exact."""
    columns = [labels.index(label) for label in malignant]
    share = chances[:, columns].sum(axis=1)
    scores: npt.NDArray[np.int64] = np.clip(np.rint(FULL_SCORE * share), 0, FULL_SCORE).astype(np.int64)
    return scores
