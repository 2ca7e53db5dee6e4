"""What the stages that train share: images as tensors, the loss, and what val says of a network."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evenscreen.compression.data import Split
from evenscreen.compression.losses import label_loss, serving_shift
from evenscreen.compression.networks.classifier import Classifier, normalise
from evenscreen.compression.recipe import Data, Training
from evenscreen.compression.train import Material, device
from evenscreen.pipeline.evidence.intervals import delong_interval


def material(
    data: Data, plan: Training, train: Split, val: Split, toned: npt.NDArray[np.uint8] | None
) -> Material:
    """What `plan` trains on; `toned` are the training images at tones I..VI, uint8 [6, n, H, W, 3]."""
    shift = serving_shift(train.labels[train.labels >= 0], len(data.labels), plan)
    return Material(
        images=torch.from_numpy(train.images).permute(0, 3, 1, 2),
        toned=None if toned is None else torch.from_numpy(toned).permute(0, 1, 4, 2, 3),
        labels=torch.from_numpy(train.labels),
        label_loss=label_loss(plan, torch.from_numpy(shift).to(device())),
        judge=lambda network: area(network, val, data),
    )


def area(network: Classifier, split: Split, data: Data) -> float:
    """AUROC of malignant against benign on `split`."""
    return delong_interval(malignancy(network, split.images, data), split.malignant(data)).value


def malignancy(
    network: torch.nn.Module, images: npt.NDArray[np.uint8], data: Data
) -> npt.NDArray[np.float64]:
    """Uncalibrated probability of malignancy float64 [n] of preprocessed `images` uint8 [n, H, W, 3]."""
    columns = [data.labels.index(label) for label in data.malignant]
    probabilities = torch.softmax(logits(network, images).double(), 1)
    chances: npt.NDArray[np.float64] = probabilities[:, columns].sum(1).numpy()
    return chances


@torch.no_grad()
def logits(network: torch.nn.Module, images: npt.NDArray[np.uint8], batch: int = 128) -> Tensor:
    """Logits float32 [n, classes] of preprocessed `images` uint8 [n, H, W, 3]."""
    views = torch.from_numpy(images).permute(0, 3, 1, 2)
    parts = torch.split(views, batch)
    return torch.cat([network(normalise(part.to(device()).float())).cpu() for part in parts])
