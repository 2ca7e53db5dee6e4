"""Train a recipe's network. Killed at any time, it goes on from its last finished epoch."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from evenscreen.compression.augment import augment
from evenscreen.compression.data import Split
from evenscreen.compression.networks.residual import Residual, normalise
from evenscreen.compression.recipe import Recipe, Training
from evenscreen.pipeline.evidence.intervals import delong_interval
from evenscreen.schemas.errors import Fatal

CHECKPOINT = "checkpoint.pt"
CHOICES: tuple[Literal["last", "average"], ...] = ("last", "average")
console = Console()


@dataclass
class Run:
    """Everything that changes while training, and therefore everything a checkpoint holds."""

    network: Residual
    average: AveragedModel
    optimiser: torch.optim.AdamW
    epoch: int = 0

    def save(self, path: Path, fingerprint: str) -> None:
        """Replace the checkpoint in one step; a kill leaves the old one or the new one."""
        state = {
            "fingerprint": fingerprint,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def weights(self, choice: Literal["last", "average"]) -> Residual:
        """The network as it is or its average, in evaluation mode."""
        network = self.network if choice == "last" else self.average.module
        assert isinstance(network, Residual)  # noqa: S101
        return network.eval()

    def restore(self, path: Path, fingerprint: str) -> None:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        if state["fingerprint"] != fingerprint:
            raise Fatal("The run folder holds a training of another recipe or other data: choose a new one.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]


def train(recipe: Recipe, train_split: Split, val_split: Split, data_sha256: str, run_dir: Path) -> Residual:
    """The network after the last epoch, in evaluation mode, last or averaged as the recipe says.

    `run_dir` keeps the checkpoint. The last epoch is taken, not the best on val, so that val stays fit for
    calibration.
    Raises Fatal when `run_dir` belongs to another recipe or other data.
    """
    plan, fingerprint = recipe.training, recipe.training_fingerprint(data_sha256)
    run = _start(recipe, run_dir / CHECKPOINT, fingerprint)
    images = torch.from_numpy(train_split.images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(train_split.labels)
    weights = class_weights(train_split.labels, len(recipe.data.labels), plan.balance)
    while run.epoch < plan.epochs:
        began = time.monotonic()
        loss = _epoch(run, plan, images, labels, torch.from_numpy(weights))
        run.epoch += 1
        run.save(run_dir / CHECKPOINT, fingerprint)
        areas = "  ".join(
            f"{choice} {_area(run.weights(choice), val_split, recipe):.4f}" for choice in CHOICES
        )
        console.print(
            f"epoch {run.epoch}/{plan.epochs}  loss {loss:.4f}  val AUROC {areas}  "
            f"{time.monotonic() - began:.0f} s"
        )
    return run.weights(recipe.weights)


def class_weights(labels: npt.NDArray[np.int64], classes: int, balance: float) -> npt.NDArray[np.float32]:
    """Weight of each class [classes], frequency ** -balance, averaging 1 over `labels`; absent ones get 1."""
    counts = np.bincount(labels, minlength=classes)
    raw = np.where(counts > 0, np.maximum(counts, 1) / len(labels), 1.0) ** -balance
    scaled: npt.NDArray[np.float32] = (raw / raw[labels].mean()).astype(np.float32)
    return scaled


def malignancy(network: Residual, split: Split, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Uncalibrated probability of malignancy of every image of `split`, float64 [n]."""
    columns = [recipe.data.labels.index(label) for label in recipe.data.malignant]
    probabilities = torch.softmax(logits(network, split.images).double(), 1)
    return probabilities[:, columns].sum(1).numpy()


@torch.no_grad()
def logits(network: torch.nn.Module, images: npt.NDArray[np.uint8], batch: int = 128) -> Tensor:
    """Logits float32 [n, classes] of preprocessed `images` uint8 [n, H, W, 3]."""
    views = torch.from_numpy(images).permute(0, 3, 1, 2)
    parts = torch.split(views, batch)
    return torch.cat([network(normalise(part.float())) for part in parts])


def learning_rate(share: float, plan: Training) -> float:
    """One cycle (Smith 2018): `share` 0..1 of all steps; linear up, then a cosine down to nothing."""
    if share < plan.warm_up_share:
        return plan.peak_learning_rate * (0.04 + 0.96 * share / plan.warm_up_share)
    left = (share - plan.warm_up_share) / (1 - plan.warm_up_share)
    return plan.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * left))


def _start(recipe: Recipe, checkpoint: Path, fingerprint: str) -> Run:
    torch.manual_seed(recipe.training.seed)
    network = Residual(recipe.network, len(recipe.data.labels)).to(memory_format=torch.channels_last)
    average = AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(recipe.training.ema_decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=recipe.training.weight_decay)
    run = Run(network, average, optimiser)
    if checkpoint.exists():
        run.restore(checkpoint, fingerprint)
        console.print(f"resumed after epoch {run.epoch}")
    return run


def _epoch(run: Run, plan: Training, images: Tensor, labels: Tensor, weights: Tensor) -> float:
    """One pass over all images; randomness depends on seed and epoch alone, so a resumed run is the same."""
    seed = plan.seed * 10_000 + run.epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    order = torch.randperm(len(images), generator=generator)
    steps = math.ceil(len(images) / plan.batch)
    run.network.train()
    total = 0.0
    batches = track(
        order.tensor_split(steps),
        f"epoch {run.epoch + 1}/{plan.epochs}",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for step, chosen in enumerate(batches):
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate((run.epoch + step / steps) / plan.epochs, plan)
        views = normalise(augment(images[chosen], plan.side(run.epoch), generator))
        loss = F.cross_entropy(
            run.network(views), labels[chosen], weights, label_smoothing=plan.label_smoothing
        )
        run.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
        run.average.update_parameters(run.network)
        total += loss.item() * len(chosen)
    return total / len(images)


def _area(network: Residual, split: Split, recipe: Recipe) -> float:
    return delong_interval(malignancy(network, split, recipe), split.malignant(recipe.data)).value
