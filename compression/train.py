"""Train a network. Killed at any time, it goes on from its last judged epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from evenscreen.compression.augment import View, draw_views
from evenscreen.compression.data import UNKNOWN
from evenscreen.compression.distil import taught_loss
from evenscreen.compression.losses import LabelLoss
from evenscreen.compression.networks.classifier import Answer, Classifier, normalise
from evenscreen.compression.progress import console, counted
from evenscreen.compression.recipe import Lessons, Training
from evenscreen.compression.retone import Retone
from evenscreen.schemas.errors import Fatal

CHECKPOINT = "checkpoint.pt"


class Diverged(Fatal):
    """What a network loses or answers is no longer a number: its learning rate is too high."""


@dataclass(frozen=True)
class Material:
    """What is learned from, on the device that learns.

    `images` uint8 [n, 3, H, W]; `retone` renders them at simulated tones, None where no plan wants that;
    `labels` int64 [n] as in losses.LabelLoss; `judge` gives the AUROC of a network on val.
    """

    images: Tensor
    retone: Retone | None
    labels: Tensor
    label_loss: LabelLoss
    judge: Callable[[Classifier], float]


@dataclass
class Run:
    """Everything that changes while training, and therefore everything a checkpoint holds."""

    network: Classifier
    bridge: torch.nn.Module
    """From the student's features to the width of the teacher's; thrown away after training."""
    average: AveragedModel
    optimiser: torch.optim.AdamW
    epoch: int = 0
    best: tuple[tuple[float, int], ...] = ()
    """(AUROC on val, epoch) of the checkpoints that are kept, best first."""

    def save(self, path: Path, fingerprint: str) -> None:
        """Replace the checkpoint in one step; a kill leaves the old one or the new one."""
        state = {
            "fingerprint": fingerprint,
            "epoch": self.epoch,
            "best": self.best,
            "network": self.network.state_dict(),
            "bridge": self.bridge.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        write(state, path)

    def restore(self, path: Path, fingerprint: str) -> None:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=device())
        if state["fingerprint"] != fingerprint:
            raise Fatal(f"{path.parent.name} holds a training of another recipe or other data: delete it.")
        self.network.load_state_dict(state["network"])
        self.bridge.load_state_dict(state["bridge"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.best = state["epoch"], tuple(tuple(entry) for entry in state["best"])

    def averaged(self) -> Classifier:
        module = self.average.module
        assert isinstance(module, Classifier)  # noqa: S101
        return module


def train(
    network: Classifier,
    lessons: Lessons,
    material: Material,
    fingerprint: str,
    folder: Path,
    teacher: Classifier | None = None,
) -> Classifier:
    """`network` after its lessons, in evaluation mode, with the weights that the plan keeps.

    `folder` keeps checkpoint.pt and the best weights; a second call goes on from the last judged epoch.
    Raises Fatal when `folder` belongs to another recipe or other data, Diverged when loss, weights or answers
    are no longer numbers; what was judged before is kept.
    """
    plan = lessons.training
    folder.mkdir(parents=True, exist_ok=True)
    run = _start(network, _bridge(network, teacher, lessons), plan, folder / CHECKPOINT, fingerprint)
    while run.epoch < plan.epochs and not _out_of_patience(run, plan):
        began = time.monotonic()
        for _ in range(min(plan.judge_every_epochs, plan.epochs - run.epoch)):
            loss = _epoch(run, lessons, material, teacher)
            run.epoch += 1
        last, average = (material.judge(form.eval()) for form in (run.network, run.averaged()))
        demoted = _keep_best(run, plan, last, average, folder)
        run.save(folder / CHECKPOINT, fingerprint)
        # Not before: until then the checkpoint names them.
        for epoch in demoted:
            _best(folder, epoch).unlink(missing_ok=True)
        console.print(
            f"epoch {run.epoch}/{plan.epochs}  loss {loss:.4f}  val AUROC last {last:.4f}  "
            f"average {average:.4f}  {time.monotonic() - began:.0f} s"
        )
    return _kept(run, plan, folder)


def learning_rate(share: float, plan: Training) -> float:
    """One cycle (Smith 2018): `share` 0..1 of all steps; linear up, then a cosine down to nothing."""
    if share < plan.warm_up_share:
        return plan.peak_learning_rate * (0.04 + 0.96 * share / plan.warm_up_share)
    left = (share - plan.warm_up_share) / (1 - plan.warm_up_share)
    return plan.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * left))


def write(state: object, path: Path) -> None:
    """Save `state` as `path`, whole or not at all. Raises Fatal when the disk is full."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        torch.save(state, partial)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise Fatal(f"{path.name} could not be written ({type(error).__name__}): is the disk full?") from None
    partial.replace(path)


def device() -> torch.device:
    """A GPU where there is one; nothing needs it."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _bridge(network: Classifier, teacher: Classifier | None, lessons: Lessons) -> torch.nn.Module:
    if teacher is None or not (lessons.teaching and lessons.teaching.features):
        return torch.nn.Identity()
    ours, theirs = network.head.in_features, teacher.head.in_features
    return torch.nn.Identity() if ours == theirs else torch.nn.Linear(ours, theirs)


def _start(
    network: Classifier, bridge: torch.nn.Module, plan: Training, checkpoint: Path, fingerprint: str
) -> Run:
    network = network.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(plan.ema_decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    learning = torch.nn.ModuleList([network, bridge.to(device())])
    run = Run(network, bridge, average, torch.optim.AdamW(_groups(learning, plan), fused=True))
    if checkpoint.exists():
        run.restore(checkpoint, fingerprint)
        console.print(f"resumed after epoch {run.epoch}")
    return run


def _groups(network: torch.nn.Module, plan: Training) -> list[dict[str, Any]]:
    """Scales and offsets do not decay."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _epoch(run: Run, lessons: Lessons, material: Material, teacher: Classifier | None) -> float:
    """One pass over all images; randomness depends on seed and epoch alone, so on a CPU a resumed run is the
    same; a GPU adds in an order of its own.

    Whether loss and weights are numbers is asked once, at the end: asking waits for the device. The loss
    alone would not tell what the last step did. Raises Diverged.
    """
    plan = lessons.training
    seed = plan.seed * 10_000 + run.epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    mixing = np.random.default_rng(seed)
    order = torch.randperm(len(material.images), generator=generator)[: plan.images_per_epoch]
    steps = math.ceil(len(order) / plan.batch)
    run.network.train()
    total = torch.zeros((), device=device())
    batches = counted(order.tensor_split(steps), f"epoch {run.epoch + 1}/{plan.epochs}")
    for step, chosen in enumerate(batches):
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate((run.epoch + step / steps) / plan.epochs, plan)
        view = draw_views(
            *(material.images, material.retone, chosen, plan.side(run.epoch), plan.tone_share, generator),
            taught=teacher is not None,
        )
        loss = _loss(run, teacher, view, material, chosen, _shares(plan, len(chosen), mixing), lessons)
        run.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
        run.optimiser.step()
        run.average.update_parameters(run.network)
        total += loss.detach() * len(chosen)
    mean = total.item() / len(order)
    if not (math.isfinite(mean) and _finite(run.network)):
        raise Diverged(f"Loss or weights are not numbers after epoch {run.epoch + 1}.")
    return mean


def _finite(network: Classifier) -> bool:
    """Whether every weight and statistic is a number; counts are in any case."""
    floats = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return bool(torch.stack([tensor.isfinite().all() for tensor in floats]).all())


def _shares(plan: Training, n: int, mixing: np.random.Generator) -> Tensor | None:
    """What each of `n` images has in its mixture with another, float32 [n], at least half; None unmixed."""
    if not plan.mixup:
        return None
    drawn = mixing.beta(plan.mixup, plan.mixup, n)
    return torch.from_numpy(np.maximum(drawn, 1 - drawn).astype(np.float32)).to(device())


def _loss(
    run: Run,
    teacher: Classifier | None,
    view: View,
    material: Material,
    chosen: Tensor,
    shares: Tensor | None,
    lessons: Lessons,
) -> Tensor:
    """The teacher sees every lesion at the tone it was taken at, whatever tone the student is shown."""
    on = device()
    labels = material.labels[chosen.to(on)]
    view = view if shares is None else view.mixed(shares)
    with torch.autocast(on.type, torch.bfloat16, enabled=on.type == "cuda"):
        said = run.network.answer(normalise(view.shown))
        by_label, known = material.label_loss(said.logits, labels), labels != UNKNOWN
        if shares is not None:
            other = material.label_loss(said.logits, labels.roll(1, 0))
            by_label, known = shares * by_label + (1 - shares) * other, known & known.roll(1, 0)
        if teacher is None or lessons.teaching is None:
            return by_label.mean()
        with torch.no_grad():
            taught = teacher.answer(normalise(view.original))
        student = Answer(said.logits, run.bridge(said.features).float())
    return taught_loss(by_label, known, student, taught, view.tones, lessons.teaching)


def _keep_best(run: Run, plan: Training, last: float, average: float, folder: Path) -> set[int]:
    """Write the better form if it is among the best; the epochs that no longer are."""
    area, form = max((last, run.network), (average, run.averaged()), key=lambda pair: pair[0])
    kept = sorted([*run.best, (area, run.epoch)], reverse=True)[: plan.keep_best]
    if (area, run.epoch) in kept:
        write(form.state_dict(), _best(folder, run.epoch))
    demoted = {epoch for _, epoch in run.best} - {epoch for _, epoch in kept}
    run.best = tuple(kept)
    return demoted


def _out_of_patience(run: Run, plan: Training) -> bool:
    if plan.patience_epochs is None or not run.best:
        return False
    return run.epoch - run.best[0][1] >= plan.patience_epochs


def _kept(run: Run, plan: Training, folder: Path) -> Classifier:
    if plan.weights == "best":
        run.network.load_state_dict(
            torch.load(_best(folder, run.best[0][1]), weights_only=True, map_location=device())
        )
    return (run.averaged() if plan.weights == "average" else run.network).eval()


def _best(folder: Path, epoch: int) -> Path:
    return folder / f"best-{epoch:03}.pt"
