"""The images that importances are read from: simulated tones and, given photographs, reported types."""

import numpy as np
import numpy.typing as npt
import torch

from evenscreen.compression.calibration_images import AtTone
from evenscreen.compression.data import Split
from evenscreen.compression.groups import TYPES, Reported, guiding, members
from evenscreen.compression.importance import GroupSample
from evenscreen.compression.progress import console


def group_samples(
    train: Split, at_tone: AtTone, reported: Reported | None, count: int, seed: int
) -> dict[str, GroupSample]:
    """`count` labelled training images at every simulated tone; reported groups that have both classes."""
    order = np.random.default_rng(seed).permutation(len(train.images))
    chosen = np.sort(order[:count])
    labels = torch.from_numpy(train.labels[chosen])
    groups = {
        f"simulated {name}": GroupSample(_tensor(at_tone(chosen, tone)), labels)
        for name, (tone,) in TYPES.items()
    }
    if reported is None:
        return groups
    guides = guiding(reported)
    for name, belongs in members(reported).items():
        if name not in guides:
            console.print(f"reported {name}: {belongs.sum()} photographs, too few to guide pruning")
            continue
        groups[f"reported {name}"] = GroupSample(
            _tensor(reported.images[belongs]), torch.from_numpy(reported.malignant[belongs])
        )
    return groups


def _tensor(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)
