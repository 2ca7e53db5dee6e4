"""What the stages that train share: images as tensors, the loss, and what val says of a network."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evenscreen.compression.data import Split
from evenscreen.compression.losses import label_loss
from evenscreen.compression.networks.classifier import Classifier, normalise
from evenscreen.compression.progress import counted
from evenscreen.compression.recipe import Data, Training
from evenscreen.compression.retone import Retone
from evenscreen.compression.train import Diverged, Material, device
from evenscreen.pipeline.evidence.intervals import delong_interval


def material(
    data: Data,
    plan: Training,
    learned: Split,
    val: Split,
    shift: npt.NDArray[np.float32],
    retone: Retone | None,
) -> Material:
    """What `plan` trains on: the images of `learned`, whose skins `retone` knows.

    `shift` is the `losses.serving_shift` that the file will be served with, float32 [classes].
    """
    return Material(
        images=torch.from_numpy(learned.images).permute(0, 3, 1, 2).to(device()),
        retone=retone,
        labels=torch.from_numpy(learned.labels).to(device()),
        label_loss=label_loss(plan, torch.from_numpy(shift).to(device())),
        judge=lambda network: area(network, val, data),
    )


def area(network: Classifier, split: Split, data: Data) -> float:
    """AUROC of malignant against benign on `split`."""
    return delong_interval(malignancy(network, split.images, data), split.malignant(data)).value


def malignancy(
    network: torch.nn.Module, images: npt.NDArray[np.uint8], data: Data
) -> npt.NDArray[np.float64]:
    """Uncalibrated probability of malignancy float64 [n] of preprocessed `images` uint8 [n, H, W, 3].

    Raises Diverged when one is not a number: finite weights may still be too large.
    """
    columns = [data.labels.index(label) for label in data.malignant]
    probabilities = torch.softmax(logits(network, images).double(), 1)
    chances: npt.NDArray[np.float64] = probabilities[:, columns].sum(1).numpy()
    if not np.isfinite(chances).all():
        raise Diverged("What the network answers is not a number.")
    return chances


@torch.no_grad()
def logits(network: torch.nn.Module, images: npt.NDArray[np.uint8], batch: int = 128) -> Tensor:
    """Logits float32 [n, classes] of prepared `images` uint8 [n, H, W, 3]; computed where `network` is."""
    here = next(network.parameters()).device
    views = torch.from_numpy(images).permute(0, 3, 1, 2)
    parts = counted(torch.split(views, batch), "asking the network")
    return torch.cat([network(normalise(part.to(here).float())).cpu() for part in parts])
