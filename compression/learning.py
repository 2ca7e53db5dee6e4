"""The stages that learn. Each leaves one file in the run folder; read them in this order.

0. data      data.json              every image looked at once: what is wrong shows before anything is learned
1. skins     skins.npy              the colour of each training image's own skin: simulated tones begin there
2. guides    guide-1.pt, …          networks pretrained on the world's images, fine-tuned on ours
3. parent    parent.pt              the large network, taught by labels and guides
4. prune     pruned-NN.pt, …        NN % of the parent's parameters gone, a little more in each
5. recover   recovered.pt           one of those after a longer lesson from the parent
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from evenscreen.compression import lessons
from evenscreen.compression.data import UNLABELLED, Split, data_checksum, has_split, joined, load_split
from evenscreen.compression.group_samples import group_samples
from evenscreen.compression.groups import TYPES, Reported, members
from evenscreen.compression.importance import GroupSample, importances
from evenscreen.compression.inspection import inspected
from evenscreen.compression.layers import layer_report, macs
from evenscreen.compression.losses import serving_shift
from evenscreen.compression.networks.classifier import Classifier, parameters
from evenscreen.compression.networks.committee import committee
from evenscreen.compression.networks.make import make
from evenscreen.compression.progress import console, counted
from evenscreen.compression.prune import prune_to
from evenscreen.compression.recipe import Guiding, Lessons, Network, Recipe, Trained, Training, percent, text
from evenscreen.compression.retone import Retone
from evenscreen.compression.steps import Metrics, Steps, key, read_record
from evenscreen.compression.tones import ita_degrees, skin_lab
from evenscreen.compression.train import Diverged, device, train
from evenscreen.compression.widths import load_pruned, save_pruned
from evenscreen.compression.workplace import forget, workplace
from evenscreen.pipeline.evidence.intervals import delong_interval
from evenscreen.schemas.errors import Fatal

Images = npt.NDArray[np.uint8]
WORST = "val_auroc_of_worst_tone"
"""In the metrics of a step, of simulated tones whatever its name says: what pruning must not let fall."""
CHOSEN = "chosen.pt"
"""What a pruning step left, before it is taught again: so that one that was stopped need not choose again."""
SECTIONS = {"guide": "guide", "parent": "parent", "pruned": "pruning.fine_tuning", "recovered": "recovery"}
"""Where the recipe says how each kind of network learns."""


class Learning:
    """The learning stages of one recipe in one run folder. Every method returns its file, made if need be.

    `reported` are photographs with reported skin types that importances are read from besides simulated
    tones; without them pruning minds simulated tones alone.
    """

    def __init__(self, recipe: Recipe, data_dir: Path, steps: Steps, reported: Reported | None) -> None:
        self.recipe, self.data_dir, self.steps, self.reported = recipe, data_dir, steps, reported
        self.data_sha256 = data_checksum(data_dir)
        self.data_key = key(self.data_sha256, text(recipe.data), recipe.preprocessing.model_dump_json())
        self.images = {"data": self.data_sha256}
        """Checksum of what every stage reads, for its record."""
        self.photographs = {"reported": reported.folder_sha256} if reported else {}
        """The same of what pruning and comparison read besides."""
        self.all_images = {**self.images, **self.photographs}

    def data(self) -> Path:
        return self.steps.run("data.json", self.data_key, self._look_at_data, images=self.images)

    def skins(self) -> Path:
        return self.steps.run(
            "skins.npy", self.data_key, self._look_at_skins, [self.data()], images=self.images
        )

    def guides(self) -> tuple[Path, ...]:
        return tuple(self._guide(number) for number in range(self.recipe.guide.copies))

    def parent(self) -> Path:
        guides, skins = self.guides(), self.skins()
        made = key(*(read_record(guide).key for guide in guides), text(self.recipe.parent))
        return self._taught(
            "parent.pt",
            made,
            lambda path: self._train_parent(guides, made, path),
            [*guides, skins],
            self.recipe.parent.training.seed,
        )

    def pruned(self, share: float) -> Path:
        """The parent with `share` of its parameters gone, by way of all smaller shares in the recipe.

        Ends earlier, and says so, when the worst simulated tone falls further than the recipe allows: by
        point estimate, since nobody asks whether chance explains it, and by no reported type.
        """
        parent, plan = self.parent(), self.recipe.pruning
        floor = _worst(parent) - plan.worst_group_floor
        best = parent
        for step in plan.removed[: plan.removed.index(share) + 1]:
            smaller = self._pruned_from(parent, best, step)
            if _worst(smaller) < floor:
                console.print(
                    f"{smaller.name} falls too far on its worst simulated tone: pruning ends before it"
                )
                break
            best = smaller
        return best

    def recovered(self) -> Path:
        parent, small = self.parent(), self.pruned(self.recipe.pruning.ship)
        plan = self.recipe.recovery
        guides = self.guides() if plan.teaching is not None and plan.teaching.with_guide else ()
        made = key(read_record(small).key, text(plan))
        return self._taught(
            "recovered.pt",
            made,
            lambda path: self._recover((parent, *guides), small, made, path),
            [parent, small, *guides, self.skins()],
            plan.training.seed,
        )

    @cached_property
    def train(self) -> Split:
        return self._split("train")

    @cached_property
    def val(self) -> Split:
        return self._split("val")

    @cached_property
    def retone(self) -> Retone:
        """Renders images of train, then of unlabelled."""
        return Retone(np.load(self.skins()), device())

    @property
    def val_views(self) -> dict[str, Images]:
        """Val as it was taken and at every simulated tone."""
        return {"as taken": self.val.images, **self.toned_val}

    @cached_property
    def toned_val(self) -> dict[str, Images]:
        retone = Retone(skin_lab(self.val.images), device())
        everything = np.arange(len(self.val.images))
        return {
            f"simulated {name}": retone.rendered(self.val.images, everything, tone)
            for name, (tone,) in counted(TYPES.items(), "rendering val at simulated tones", len(TYPES))
        }

    @property
    def judged_views(self) -> dict[str, Images]:
        """`val_views`, and the measuring part's photographs by reported skin type, where it has any of it."""
        if self.reported is None:
            return self.val_views
        by_range = members(self.reported).items()
        reported = {
            f"reported {name}": self.reported.images[chosen] for name, chosen in by_range if chosen.any()
        }
        return {**self.val_views, **reported}

    def toned_train(self, chosen: npt.NDArray[np.int64], tone: int) -> Images:
        """The `chosen` images of train (int64 [k]) at `tone` 1..6: uint8 [k, H, W, 3]."""
        return self.retone.rendered(self.train.images[chosen], chosen, tone)

    def serving_shift(self, plan: Training) -> npt.NDArray[np.float32]:
        """What undoes the weights of classes under `plan`, float32 [classes]: images with labels count."""
        return serving_shift(self.train.labels, len(self.recipe.data.labels), plan)

    def _split(self, name: str) -> Split:
        return load_split(self.data_dir, name, self.recipe.data, self.recipe.preprocessing)

    @cached_property
    def _everything(self) -> Split:
        """Train, then unlabelled where the folder has it."""
        if not has_split(self.data_dir, UNLABELLED):
            return self.train
        return joined(self.train, self._split(UNLABELLED))

    def _look_at_data(self, path: Path) -> Metrics:
        counts = inspected(self.data_dir, self.recipe.data, self.recipe.preprocessing)
        path.write_text(json.dumps(counts, indent=1), encoding="utf-8")
        return {"images": sum(sum(labels.values()) for labels in counts.values())}

    def _look_at_skins(self, path: Path) -> Metrics:
        skins = skin_lab(self._everything.images)
        with path.open("wb") as file:
            np.save(file, skins)
        return {"images": len(skins), "median_ita_degrees": float(np.median(ita_degrees(skins)))}

    def _guide(self, number: int) -> Path:
        plan, skins = self.recipe.guide, self.skins()
        training = plan.training.model_copy(update={"seed": plan.training.seed + 1000 * number})
        mine = plan.model_copy(update={"training": training, "copies": 1})
        made = key(self.data_key, text(mine))
        name = f"guide-{number + 1}.pt"
        return self._taught(
            name, made, lambda path: self._train_guide(mine, made, path), [skins], training.seed
        )

    def _train_guide(self, plan: Guiding, made: str, path: Path) -> Metrics:
        return self._learn(self._fresh(plan), plan, plan.network, made, path)

    def _train_parent(self, guides: Sequence[Path], made: str, path: Path) -> Metrics:
        plan, teachers = self.recipe.parent, [load_pruned(guide) for guide in guides]
        return self._learn(self._fresh(plan), plan, plan.network, made, path, committee(teachers))

    def _pruned_from(self, parent: Path, before: Path, share: float) -> Path:
        plan = self.recipe.pruning
        decided = text(plan.model_copy(update={"removed": (), "ship": 0.5, "sweep": ()}))
        made = key(read_record(before).key, decided, str(share), *self.photographs.values())
        name = f"pruned-{percent(share)}.pt"
        return self._taught(
            name,
            made,
            lambda path: self._prune(parent, before, share, made, path),
            [parent, before, self.skins()],
            plan.fine_tuning.training.seed,
            self.all_images,
        )

    def _prune(self, parent: Path, before: Path, share: float, made: str, path: Path) -> Metrics:
        plan, teacher, spec = self.recipe.pruning, load_pruned(parent), self.recipe.parent.network
        chosen = self._workplace(path, made) / CHOSEN
        if not chosen.exists():
            network = self._chosen(before, round((1 - share) * parameters(teacher)))
            save_pruned(network, spec, len(self.recipe.data.labels), chosen)
        torch.manual_seed(plan.fine_tuning.training.seed)
        metrics = self._learn(load_pruned(chosen), plan.fine_tuning, spec, made, path, teacher)
        rows = layer_report(teacher, load_pruned(path), self.recipe.preprocessing.height)
        return {**metrics, "removed": share, "layers": [row.model_dump() for row in rows]}

    def _chosen(self, before: Path, keep: int) -> Classifier:
        """What is left of `before` with `keep` parameters, untaught. Takes minutes without a GPU."""
        plan, data, network = self.recipe.pruning, self.recipe.data, load_pruned(before)
        importance = importances(
            network.to(device()),
            self.guiding_groups(),
            plan.importance,
            [data.labels.index(label) for label in data.malignant],
            beta=plan.beta,
            penalty_weight=plan.penalty_weight,
        )
        prune_to(network, keep, importance, plan.round_to, self.recipe.preprocessing.height)
        return network

    def _workplace(self, path: Path, made: str) -> Path:
        return workplace(path.with_name(path.name.removeprefix("partial-")), made)

    def _recover(self, teachers: Sequence[Path], small: Path, made: str, path: Path) -> Metrics:
        plan, teacher = self.recipe.recovery, committee([load_pruned(one) for one in teachers])
        torch.manual_seed(plan.training.seed)
        return self._learn(load_pruned(small), plan, self.recipe.parent.network, made, path, teacher)

    def _taught(
        self,
        file: str,
        made: str,
        make: Callable[[Path], Metrics],
        made_from: Sequence[Path],
        seed: int,
        images: Mapping[str, str] | None = None,
    ) -> Path:
        """A step that trains; `images` None: on data alone. Checkpoints go once file and record stand."""
        path = self.steps.run(file, made, make, made_from, images or self.images, seed)
        forget(path)
        return path

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
        """Teach `network`, save it to `path`. Raises Fatal, naming the recipe's section, when it diverges."""
        taught = teacher is not None and plan.teaching is not None and plan.teaching.unlabelled
        split = self._everything if taught or self.recipe.data.told else self.train
        retone = self.retone if plan.training.tone_share else None
        shift = self.serving_shift(plan.training)
        material = lessons.material(self.recipe.data, plan.training, split, self.val, shift, retone)
        stem = path.stem.removeprefix("partial-")
        console.print(f"{stem}.pt: {parameters(network):,} parameters learn")
        if teacher is not None:
            teacher = teacher.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        try:
            learned = train(network, plan, material, made, self._workplace(path, made), teacher)
            save_pruned(learned, spec, len(self.recipe.data.labels), path)
            return self._measured(load_pruned(path).to(device()))
        except Diverged as diverged:
            section = SECTIONS[stem.partition("-")[0]]
            raise Fatal(
                f"{stem}: {diverged} Lower {section}.training.peak_learning_rate in the recipe and run the "
                "same command again: what does not depend on it is kept."
            ) from None

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

    def guiding_groups(self) -> dict[str, GroupSample]:
        """What importances are read from: see group_samples.py."""
        plan = self.recipe.pruning
        seed = plan.fine_tuning.training.seed
        return group_samples(self.train, self.toned_train, self.reported, plan.images, seed)


def _worst(path: Path) -> float:
    return float(str(read_record(path).metrics[WORST]))
