"""Does the file answer as the network does? Network, FP32 file and served file on the same images.

The network is asked as it was trained, not as it is exported: what export.py rewrites shows here, too.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from torch import nn

from evenscreen.compression.evaluate import interval, model_logits
from evenscreen.compression.lessons import logits
from evenscreen.pipeline.decide import decide
from evenscreen.pipeline.evidence.intervals import wilson_interval
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Interval, Manifest

BATCH = 32
NETWORK_IMAGES = 64
"""How many of each group the network itself is asked: PyTorch is slow, and an export is off everywhere."""
TOLERANCE = 1e-3
"""Largest difference of a logit that the order of sums explains."""

Images = npt.NDArray[np.uint8]


class GroupValidation(BaseModel):
    """One group of images; scores are integers 0..10,000, limits are 95 %."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    n: int
    largest_logit_error: float
    """Between the network and its FP32 file, on the group's first NETWORK_IMAGES images."""
    same_label: Interval
    """Share of images whose most probable label is the same in the FP32 and the served file."""
    flips: Interval
    """Share of images that only one of the two flags at the operating point."""
    score_correlation: float | None
    """Pearson's, between the two files' scores; None where either gives all images one score."""
    largest_score_difference: int


class Validation(BaseModel):
    """All groups, in the order they were given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[GroupValidation, ...]

    @property
    def largest_logit_error(self) -> float:
        return max(group.largest_logit_error for group in self.groups)


def validate(
    network: nn.Module,
    shift: npt.NDArray[np.float32],
    fp32: Path,
    served: Path,
    groups: Mapping[str, Images],
    manifest: Manifest,
) -> Validation:
    """Compare the files on every group's images (uint8 [n, H, W, 3]), decided by one `manifest`.

    `network`, in evaluation mode and on the CPU, which shortens no product, is asked about the first
    NETWORK_IMAGES of each group; `shift` float32 [classes] undoes the weights of classes, as in
    `export.Serving`.

    Raises Fatal when the FP32 file is not the network: a fault of the export, which no threshold mends.
    """
    rows = []
    for group, images in groups.items():
        exported = model_logits(fp32, images)
        some = images[:NETWORK_IMAGES]
        error = float(np.abs(logits(network, some, BATCH).numpy() + shift - exported[: len(some)]).max())
        answers = exported if served == fp32 else model_logits(served, images)
        rows.append(_compared(group, exported, answers, error, manifest))
    validation = Validation(groups=tuple(rows))
    if not validation.largest_logit_error <= TOLERANCE:
        raise Fatal(
            f"The exported FP32 file is off by {validation.largest_logit_error:.3g} in a logit from the "
            "network it was made from: the export is at fault."
        )
    return validation


def _compared(
    group: str,
    fp32: npt.NDArray[np.float32],
    served: npt.NDArray[np.float32],
    error: float,
    manifest: Manifest,
) -> GroupValidation:
    pairs = list(zip(decide(fp32, manifest), decide(served, manifest), strict=True))
    scores = np.array([[before.score, after.score] for before, after in pairs])
    same_label = int((fp32.argmax(1) == served.argmax(1)).sum())
    flips = sum(before.flagged != after.flagged for before, after in pairs)
    varied = (scores.std(0) > 0).all()
    return GroupValidation(
        group=group,
        n=len(pairs),
        largest_logit_error=error,
        same_label=interval(wilson_interval(same_label, len(pairs)), "wilson"),
        flips=interval(wilson_interval(flips, len(pairs)), "wilson"),
        score_correlation=float(np.corrcoef(scores.T)[0, 1]) if varied else None,
        largest_score_difference=int(np.abs(scores[:, 0] - scores[:, 1]).max()),
    )
