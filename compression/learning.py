"""The stages that learn. Each leaves one file in the run folder; read them in this order.

1. tones     toned.npy              training images at six simulated skin tones
2. guide     guide.pt               a network pretrained on the world's images, fine-tuned on ours
3. parent    parent.pt              the large network, taught by labels and guide
4. prune     pruned-NN.pt, …        NN % of the parent's parameters gone, a little more in each
5. recover   recovered.pt           one of those after a longer lesson from the parent
"""

import shutil
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from evenscreen.compression import lessons
from evenscreen.compression.data import UNLABELLED, Split, data_checksum, has_split, joined, load_split
from evenscreen.compression.groups import TYPES, Reported, members
from evenscreen.compression.importance import GroupSample, importances
from evenscreen.compression.layers import layer_report, macs
from evenscreen.compression.networks.classifier import Classifier, parameters
from evenscreen.compression.networks.committee import Committee
from evenscreen.compression.networks.make import make
from evenscreen.compression.prune import prune_to
from evenscreen.compression.recipe import Lessons, LiteHybrid, Network, Recipe, Trained, text
from evenscreen.compression.steps import Metrics, Steps, console, key, read_record
from evenscreen.compression.tones import TONES, render
from evenscreen.compression.train import device, train
from evenscreen.compression.widths import load_pruned, save_pruned
from evenscreen.pipeline.evidence.intervals import delong_interval

Images = npt.NDArray[np.uint8]
WORST = "val_auroc_of_worst_tone"
"""In the metrics of a step: what pruning must not let fall."""


class Learning:
    """The learning stages of one recipe in one run folder. Every method returns its file, made if need be.

    `reported` are photographs with reported skin types that importances are read from besides simulated
    tones; without them pruning minds simulated tones alone.
    """

    def __init__(self, recipe: Recipe, data_dir: Path, steps: Steps, reported: Reported | None) -> None:
        self.recipe, self.data_dir, self.steps, self.reported = recipe, data_dir, steps, reported
        self.data_sha256 = data_checksum(data_dir)
        self.data_key = key(self.data_sha256, text(recipe.data), recipe.preprocessing.model_dump_json())

    def tones(self) -> Path:
        return self.steps.run("toned.npy", self.data_key, self._render)

    def guide(self) -> Path:
        toned, made = self.tones(), key(self.data_key, text(self.recipe.guide))
        return self.steps.run("guide.pt", made, lambda path: self._train_guide(made, path), [toned])

    def parent(self) -> Path:
        guide, toned = self.guide(), self.tones()
        made = key(read_record(guide).key, text(self.recipe.parent))
        return self.steps.run(
            "parent.pt", made, lambda path: self._train_parent(guide, made, path), [guide, toned]
        )

    def pruned(self, share: float) -> Path:
        """The parent with `share` of its parameters gone, by way of all smaller shares in the recipe.

        Ends earlier, and says so, when the worst tone falls further than the recipe allows.
        """
        parent, plan = self.parent(), self.recipe.pruning
        floor = _worst(parent) - plan.worst_group_floor
        best = parent
        for step in plan.removed[: plan.removed.index(share) + 1]:
            smaller = self._pruned_from(parent, best, step)
            if _worst(smaller) < floor:
                console.print(f"{smaller.name} falls too far on its worst tone: pruning ends before it")
                break
            best = smaller
        return best

    def recovered(self) -> Path:
        parent, small = self.parent(), self.pruned(self.recipe.pruning.ship)
        made = key(read_record(small).key, text(self.recipe.recovery))
        return self.steps.run(
            "recovered.pt", made, lambda path: self._recover(parent, small, made, path), [parent, small]
        )

    @cached_property
    def train(self) -> Split:
        return self._split("train")

    @cached_property
    def val(self) -> Split:
        return self._split("val")

    @cached_property
    def toned(self) -> Images:
        """Images of train, then of unlabelled, at tones I..VI: uint8 [6, n, H, W, 3]."""
        toned: Images = np.load(self.tones())
        return toned

    @property
    def toned_train(self) -> Images:
        """The labelled part of `toned`: uint8 [6, n, H, W, 3]."""
        return self.toned[:, : len(self.train.images)]

    @property
    def val_views(self) -> dict[str, Images]:
        """Val as it was taken and at every simulated tone."""
        return {"as taken": self.val.images, **self.toned_val}

    @cached_property
    def toned_val(self) -> dict[str, Images]:
        return {f"simulated {name}": render(self.val.images, tone) for name, (tone,) in TYPES.items()}

    def _split(self, name: str) -> Split:
        return load_split(self.data_dir, name, self.recipe.data, self.recipe.preprocessing)

    @cached_property
    def _everything(self) -> Split:
        """Train, then unlabelled where the folder has it."""
        if not has_split(self.data_dir, UNLABELLED):
            return self.train
        return joined(self.train, self._split(UNLABELLED))

    def _render(self, path: Path) -> Metrics:
        images = self._everything.images
        toned = np.stack([render(images, tone) for tone in track(TONES, "tones", console=console)])
        with path.open("wb") as file:
            np.save(file, toned)
        return {"images": len(images), "tones": len(TONES)}

    def _train_guide(self, made: str, path: Path) -> Metrics:
        network = self._fresh(self.recipe.guide)
        return self._learn(network, self.recipe.guide, self.recipe.guide.network, made, path)

    def _train_parent(self, guide: Path, made: str, path: Path) -> Metrics:
        plan, teacher = self.recipe.parent, load_pruned(guide)
        network = self._fresh(plan)
        if isinstance(plan.network, LiteHybrid):
            network.begin_as(teacher)  # type: ignore[operator]
        return self._learn(network, plan, plan.network, made, path, teacher)

    def _pruned_from(self, parent: Path, before: Path, share: float) -> Path:
        plan = self.recipe.pruning
        decided = text(plan.model_copy(update={"removed": (), "ship": 0.5, "sweep": ()}))
        made = key(read_record(before).key, decided, str(share))
        name = f"pruned-{round(100 * share):02}.pt"
        return self.steps.run(
            name, made, lambda path: self._prune(parent, before, share, made, path), [parent, before]
        )

    def _prune(self, parent: Path, before: Path, share: float, made: str, path: Path) -> Metrics:
        plan, teacher = self.recipe.pruning, load_pruned(parent)
        network, side = load_pruned(before), self.recipe.preprocessing.height
        importance = importances(
            network.to(device()),
            self._groups(),
            plan.importance,
            [self.recipe.data.labels.index(label) for label in self.recipe.data.malignant],
            beta=plan.beta,
            penalty_weight=plan.penalty_weight,
        )
        keep = round((1 - share) * parameters(teacher))
        prune_to(network, keep, importance, plan.round_to, side, plan.rank)
        torch.manual_seed(plan.fine_tuning.training.seed)
        spec = self.recipe.parent.network
        metrics = self._learn(network, plan.fine_tuning, spec, made, path, teacher)
        rows = layer_report(teacher, load_pruned(path), side)
        return {**metrics, "removed": share, "layers": [row.model_dump() for row in rows]}

    def _recover(self, parent: Path, small: Path, made: str, path: Path) -> Metrics:
        plan, teacher = self.recipe.recovery, load_pruned(parent)
        if plan.teaching is not None and plan.teaching.with_guide:
            teacher = Committee(teacher, load_pruned(self.guide()))
        torch.manual_seed(plan.training.seed)
        return self._learn(load_pruned(small), plan, self.recipe.parent.network, made, path, teacher)

    def _fresh(self, plan: Trained) -> Classifier:
        torch.manual_seed(plan.training.seed)
        return make(plan.network, len(self.recipe.data.labels))

    def _learn(
        self,
        network: Classifier,
        plan: Lessons,
        spec: Network,
        made: str,
        path: Path,
        teacher: Classifier | None = None,
    ) -> Metrics:
        """Teach `network`, save it to `path`; the folder of its checkpoints goes once it is saved."""
        unlabelled = teacher is not None and plan.teaching is not None and plan.teaching.unlabelled
        split = self._everything if unlabelled else self.train
        toned = self.toned[:, : len(split.images)] if plan.training.tone_share else None
        material = lessons.material(self.recipe.data, plan.training, split, self.val, toned)
        console.print(f"{path.name.removeprefix('partial-')}: {parameters(network):,} parameters learn")
        work = self.steps.folder / f"{path.stem.removeprefix('partial-')}-work"
        learned = train(network, plan, material, made, work, teacher and teacher.to(device()))
        save_pruned(learned, spec, len(self.recipe.data.labels), path)
        metrics = self._measured(learned)
        shutil.rmtree(work)
        return metrics

    def _measured(self, network: Classifier) -> Metrics:
        """On val: chosen by, so optimistic; test stays unread."""
        data, side = self.recipe.data, self.recipe.preprocessing.height
        malignant = self.val.malignant(data)
        tones = {
            tone: delong_interval(lessons.malignancy(network, images, data), malignant).value
            for tone, images in self.toned_val.items()
        }
        return {
            "parameters": parameters(network),
            "macs": macs(network, side),
            "val_auroc": lessons.area(network, self.val, data),
            "val_auroc_by_tone": tones,
            WORST: min(tones.values()),
        }

    def _groups(self) -> dict[str, GroupSample]:
        """Simulated tones of labelled training images; reported groups that have both classes."""
        plan = self.recipe.pruning
        order = np.random.default_rng(plan.fine_tuning.training.seed).permutation(len(self.train.images))
        chosen = np.sort(order[: plan.images])
        labels = torch.from_numpy(self.train.labels[chosen])
        groups = {
            f"simulated {name}": GroupSample(_tensor(self.toned[tone - 1][chosen]), labels)
            for name, (tone,) in TYPES.items()
        }
        if self.reported is None:
            return groups
        for name, belongs in members(self.reported).items():
            malignant = self.reported.malignant[belongs]
            if malignant.all() or not malignant.any():
                console.print(f"reported {name}: {len(malignant)} photographs, too few to guide pruning")
                continue
            images = _tensor(self.reported.images[belongs])
            groups[f"reported {name}"] = GroupSample(images, torch.from_numpy(malignant))
        return groups


def _worst(path: Path) -> float:
    return float(str(read_record(path).metrics[WORST]))


def _tensor(images: Images) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)
