"""Which importance loses least? One parent, pruned at once by each of the four, with nothing learned after.

A trial of the ranking alone: fine-tuning follows every step of a recipe and may mend what a ranking gets
wrong, so what is seen here says which units an importance finds and not how a finished network ends.
Everything is read on val.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from rich.progress import track

from evenscreen.compression.build import Build
from evenscreen.compression.evaluate import interval
from evenscreen.compression.importance import Effect, Method, effects, weighed
from evenscreen.compression.lessons import malignancy
from evenscreen.compression.networks.classifier import parameters
from evenscreen.compression.progress import console
from evenscreen.compression.prune import prune_to
from evenscreen.compression.recipe import text
from evenscreen.compression.steps import Metrics, Steps, key, read_record
from evenscreen.compression.train import device, write
from evenscreen.compression.widths import load_pruned
from evenscreen.pipeline.evidence.intervals import delong_interval
from evenscreen.pipeline.evidence.paired import paired_difference
from evenscreen.schemas.manifest import Difference, Interval

AS_TAKEN = "as taken"
Chances = Mapping[str, npt.NDArray[np.float64]]
"""By view of the same images, the probability of malignancy of each, [n]."""


class Outcome(BaseModel):
    """One network on the chosen images of val."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    importance: Method | None
    """None is the parent, unpruned."""
    parameters: int
    auroc: Interval
    """As taken."""
    difference: Difference | None
    """To the recipe's own importance, as taken; None for itself and the parent."""
    simulated_tones: dict[str, float]
    """AUROC at each simulated tone."""
    worst_tone_difference: Difference | None
    """To the recipe's own importance, at the simulated tone on which the parent is worst."""


class Trial(BaseModel):
    """All four importances at one share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    removed: float
    reference: Method
    """The recipe's own importance."""
    worst_tone: str
    """The simulated tone on which the parent is worst: known before anything is pruned."""
    n: int
    positives: int
    outcomes: tuple[Outcome, ...]


def trial(making: Build, removed: float, images: int | None = None) -> Trial:
    """Prune the parent to `removed` (0..1) of its parameters once by every importance, and ask each network.

    With `images` the networks are asked about all malignant images of val and as many benign ones, drawn by
    the recipe's seed, as make up that number; AUROC does not mind the mixture. RUN/importances keeps what was
    read and answered, so that a stopped trial goes on.
    """
    learning, data = making.learning, making.recipe.data
    parent = learning.parent()
    steps = Steps(making.run_dir / "importances", making.seed, making.run_dir)
    photographs = making.photographs.sha256 if making.photographs else ""
    made = key(read_record(parent).key, text(making.recipe.pruning), photographs)
    drawn_by = making.recipe.pruning.fine_tuning.training.seed
    found = steps.run(
        "effects.pt", made, lambda path: _read_effects(making, parent, path), [parent], seed=drawn_by
    )
    malignant = learning.val.malignant(data)
    chosen = _chosen(malignant, images, making.seed)
    methods: tuple[Method | None, ...] = (None, *get_args(Method))
    sizes, chances = {}, {}
    for method in methods:
        asked = key(made, str(removed), str(images), str(making.seed))
        name = f"{round(100 * removed):02}-{method or 'parent'}.npz"
        file = steps.run(name, asked, partial(_ask, making, method, removed, found, chosen), [found])
        sizes[method] = int(str(read_record(file).metrics["parameters"]))
        with np.load(file) as answers:
            chances[method] = dict(answers)
    return _judged(removed, making.recipe.pruning.importance, sizes, chances, malignant[chosen])


def _read_effects(making: Build, parent: Path, path: Path) -> None:
    data = making.recipe.data
    columns = [data.labels.index(label) for label in data.malignant]
    found = effects(load_pruned(parent).to(device()), making.learning.guiding_groups(), columns)
    write({name: asdict(one) for name, one in found.items()}, path)


def _ask(
    making: Build,
    method: Method | None,
    removed: float,
    found: Path,
    chosen: npt.NDArray[np.int64],
    path: Path,
) -> Metrics:
    """Save what the parent pruned by `method` says of the `chosen` images of val, in every view."""
    plan, learning = making.recipe.pruning, making.learning
    network = load_pruned(learning.parent()).to(device()).eval()
    if method is not None:
        read = {name: Effect(**one) for name, one in torch.load(found, weights_only=True).items()}
        ranks = weighed(network, read, method, beta=plan.beta, penalty_weight=plan.penalty_weight)
        keep = round((1 - removed) * parameters(network))
        prune_to(network, keep, ranks, plan.round_to, making.recipe.preprocessing.height)
    views = track(learning.val_views.items(), path.stem, console=console)
    answers = {name: malignancy(network, view[chosen], making.recipe.data) for name, view in views}
    with path.open("wb") as file:
        np.savez(file, **answers)  # type: ignore[arg-type]
    return {"parameters": parameters(network)}


def trial_table(found: Trial) -> str:
    """Markdown: the parent, then the four, the recipe's own first."""
    rows = [
        f"| importance | AUROC as taken (95 %) | minus `{found.reference}`'s | "
        f"worst simulated tone | minus `{found.reference}`'s, {found.worst_tone} |",
        "|---|---|---|---|---|",
    ]
    for one in found.outcomes:
        worst = min(one.simulated_tones, key=one.simulated_tones.__getitem__)
        rows.append(
            f"| {f'`{one.importance}`' if one.importance else 'none: the parent'} | {one.auroc.value:.3f} "
            f"({one.auroc.low:.3f}–{one.auroc.high:.3f}) | {_said(one.difference)} | "
            f"{one.simulated_tones[worst]:.3f} ({worst.removeprefix('simulated ')}) | "
            f"{_said(one.worst_tone_difference)} |"
        )
    return "\n".join(rows)


def _said(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def _chosen(malignant: npt.NDArray[np.bool_], images: int | None, seed: int) -> npt.NDArray[np.int64]:
    everything = np.arange(len(malignant))
    if images is None or images >= len(malignant):
        return everything
    benign = np.random.default_rng(seed).permutation(everything[~malignant])
    wanted = max(images - int(malignant.sum()), 0)
    return np.sort(np.concatenate([everything[malignant], benign[:wanted]]))


def _judged(
    removed: float,
    reference: Method,
    sizes: Mapping[Method | None, int],
    chances: Mapping[Method | None, Chances],
    malignant: npt.NDArray[np.bool_],
) -> Trial:
    areas = {
        method: {view: delong_interval(scores, malignant) for view, scores in by_view.items()}
        for method, by_view in chances.items()
    }
    tones = [view for view in areas[None] if view != AS_TAKEN]
    worst = min(tones, key=lambda tone: areas[None][tone].value)
    order: Sequence[Method | None] = sorted(
        areas, key=lambda method: (method is not None, method != reference)
    )

    def against(method: Method | None, view: str) -> Difference | None:
        if method in (None, reference):
            return None
        paired = paired_difference(chances[reference][view], chances[method][view], malignant)
        return Difference(value=paired.value, low=paired.low, high=paired.high)

    return Trial(
        removed=removed,
        reference=reference,
        worst_tone=worst,
        n=len(malignant),
        positives=int(malignant.sum()),
        outcomes=tuple(
            Outcome(
                importance=method,
                parameters=sizes[method],
                auroc=interval(areas[method][AS_TAKEN], "delong"),
                difference=against(method, AS_TAKEN),
                simulated_tones={tone: areas[method][tone].value for tone in tones},
                worst_tone_difference=against(method, worst),
            )
            for method in order
        ),
    )
