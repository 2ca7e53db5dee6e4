"""A recipe: everything that decides what a model becomes, in one YAML file."""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing
from evenscreen.schemas.reasons import Modality


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(Section):
    """A column of labels.csv that says of every image, 1 or 0, whether it has one label, and no more."""

    column: str
    label: str


class Data(Section):
    """A folder of `images/` and a `labels.csv` with the columns image, split, dx."""

    name: str
    licence: str
    citation: str
    labels: tuple[str, ...] = Field(min_length=2)
    malignant: tuple[str, ...] = Field(min_length=1)
    told: Told | None = None
    """What is known of images in split `unlabelled`; None learns from them through a teacher alone."""
    intended_modality: Modality

    @model_validator(mode="after")
    def _named_labels_are_labels(self) -> Self:
        if unknown := set(self.malignant) - set(self.labels):
            raise ValueError(f"malignant names labels that there are not: {sorted(unknown)}")
        if self.told and self.told.label not in self.labels:
            raise ValueError(f"told names a label that there is not: {self.told.label}")
        return self


class Stage(Section):
    """A convolution that halves the side, then `blocks` residual blocks."""

    width: int = Field(gt=0)
    blocks: int = Field(ge=0)


class Attention(Section):
    """Transformer blocks on what the last halving leaves."""

    width: int = Field(gt=0)
    heads: int = Field(gt=0)
    hidden: int = Field(gt=0)
    """Units between the two layers of each block's perceptron."""
    blocks: int = Field(gt=0)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")
        return self


class Hybrid(Section):
    """Convolutions, then attention: see networks/hybrid.py."""

    family: Literal["hybrid"] = "hybrid"
    stem: int = Field(gt=0)
    stages: tuple[Stage, ...] = Field(min_length=1)
    attention: Attention
    dropout: float = Field(default=0.0, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a batch skips the last block; earlier ones proportionally less."""


class Lite(Section):
    """EfficientNet-Lite2 with ImageNet weights: see networks/lite.py."""

    family: Literal["efficientnet-lite2"] = "efficientnet-lite2"
    pretrained: bool = True
    dropout: float = Field(default=0.2, ge=0, lt=1)
    drop_path: float = Field(default=0.2, ge=0, lt=1)


Network = Annotated[Hybrid | Lite, Field(discriminator="family")]


class Phase(Section):
    """Epochs at one image side: small images first are cheaper and cost no accuracy (Howard 2018)."""

    epochs: int = Field(gt=0)
    side: int = Field(gt=0)


class Training(Section):
    """AdamW on a one-cycle schedule, a loss that minds imbalance, a moving average of the weights."""

    seed: int
    phases: tuple[Phase, ...] = Field(min_length=1)
    batch: int = Field(gt=1)
    peak_learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warm_up_share: float = Field(default=0.15, gt=0, lt=1)
    loss: Literal["weighted", "logit_adjusted", "focal"] = "weighted"
    balance: float = Field(default=0.5, ge=0, le=1)
    """How far rare classes count more: 0 not at all, 1 as much as common ones. See losses.py."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    images_per_epoch: int | None = Field(default=None, gt=0)
    """How many images one epoch shows, drawn anew for each; None shows all."""
    tone_share: float = Field(default=0.0, ge=0, le=1)
    """Share of training images shown at a random simulated skin tone."""
    mixup: float = Field(default=0.0, ge=0)
    """Each image is blended with another, by shares drawn from Beta(mixup, mixup); 0 blends none."""
    ema_decay: float = Field(default=0.998, ge=0, lt=1)
    weights: Literal["average", "last", "best"] = "best"
    """What to keep: the average or last weights of the last epoch, or the best of either on val."""
    keep_best: int = Field(default=2, gt=0)
    """How many of the best checkpoints are kept while this network learns; they go once it is saved."""
    judge_every_epochs: int = Field(default=1, gt=0)
    """How often val is asked and everything saved: a kill costs at most so many epochs."""
    patience_epochs: int | None = Field(default=None, gt=0)
    """Stop when val has not improved for so many epochs; None never stops early."""

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)

    def side(self, epoch: int) -> int:
        """Side of the square training images in pixels during `epoch` (0-based)."""
        sides = [phase.side for phase in self.phases for _ in range(phase.epochs)]
        return sides[epoch]


class Teaching(Section):
    """Distillation (Hinton et al. 2015): what a student takes from its teacher besides the labels."""

    logits: float = Field(ge=0, le=1)
    """Weight of the teacher's probabilities; the labels have the rest."""
    temperature: float = Field(default=2.0, gt=0)
    features: float = Field(default=0.0, ge=0)
    """Weight of the distance between features, position by position; a linear map bridges two widths."""
    with_guide: bool = False
    """Whether the guides teach beside the parent: the mean of what all say."""
    unlabelled: bool = False
    """Whether images of split `unlabelled` are learned from too, by what the teacher says of them; they are
    in any case where the recipe's data are `told` something about them."""
    fairness: float = Field(default=0.0, ge=0)
    """Weight of the gap in loss between simulated tones."""


class Lessons(Section):
    """How a network learns, and what from its teacher, if it has one."""

    training: Training
    teaching: Teaching | None = None


class Trained(Lessons):
    """A network and how it learns."""

    network: Network


class Guiding(Trained):
    """A pretrained network that teaches the parent."""

    copies: int = Field(default=1, gt=0)
    """How many learn, each under a seed 1,000 above the one before, and teach as a committee."""


class Pruning(Section):
    """Channels, hidden units and heads that go, a little at a time, each time followed by fine-tuning."""

    importance: Literal["magnitude", "penalised", "fairprune", "fisher_max"] = "fisher_max"
    removed: tuple[float, ...] = Field(min_length=1)
    """Share of the parent's parameters that is gone after each step, rising."""
    ship: float = Field(gt=0, lt=1)
    """Which of `removed` goes on to be distilled and shipped."""
    sweep: tuple[float, ...] = ()
    """Which of `removed` the sweep measures."""
    round_to: int = Field(default=16, gt=0)
    images: int = Field(default=512, gt=0)
    """Training images per group that importances are read from."""
    beta: float = Field(default=0.33, ge=0)
    """FairPrune's weight of the privileged group."""
    penalty_weight: float = Field(default=0.5, ge=0, le=1)
    """The published importance's weight of a channel's part in the gap."""
    worst_group_floor: float = Field(default=0.03, gt=0, lt=1)
    """Stop when AUROC on val at the worst simulated tone falls this far below the parent's at its own worst:
    by point estimate, and of no reported type."""
    fine_tuning: Lessons
    """After each step, taught by the parent."""

    @model_validator(mode="after")
    def _shares_rise(self) -> Self:
        if list(self.removed) != sorted(set(self.removed)) or not 0 < self.removed[0] <= self.removed[-1] < 1:
            raise ValueError("removed must rise between 0 and 1")
        if len({percent(share) for share in self.removed}) < len(self.removed):
            raise ValueError(
                "two shares of removed are the same whole percent, by which their files are named"
            )
        if unknown := {self.ship, *self.sweep} - set(self.removed):
            raise ValueError(f"ship and sweep name shares that removed does not reach: {sorted(unknown)}")
        return self


def percent(share: float) -> str:
    """`share` 0..1 as files are named by it: two digits."""
    return f"{round(100 * share):02}"


class Quantisation(Section):
    """From FP32 to the form that is shipped."""

    form: Literal["static", "dynamic", "fp16"] = "static"
    images: int = Field(gt=0)
    """Images that the activation ranges are read from."""
    method: Literal["minmax", "percentile"] = "minmax"
    calibration: Literal["balanced", "random"] = "balanced"
    """Balanced: equally many of every tone, V and VI twice."""
    seven_bit_weights: bool = True
    """One bit less, so that x86 without VNNI, whose 16-bit sums saturate, gives the same answers."""


class Recipe(Section):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,48}$")
    intended_use: str
    data: Data
    preprocessing: Preprocessing
    guide: Guiding
    parent: Trained
    pruning: Pruning
    recovery: Lessons
    """What the pruned network learns before it is shipped, taught by the parent."""
    quantisation: Quantisation
    target_sensitivity: float = Field(gt=0, lt=1)


def text(section: Section) -> str:
    """What a section decides, as one line; fields left at their defaults do not appear."""
    return section.model_dump_json(exclude_defaults=True)


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`. Raises Fatal with the field at fault when it is not one."""
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problems = "; ".join(_problem(one) for one in error.errors(include_url=False))
        raise Fatal(f"The recipe {path.name} cannot be used: {problems}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Fatal(f"The recipe {path.name} cannot be read: {error}") from None


def _problem(found: ErrorDetails) -> str:
    field = ".".join(str(part) for part in found["loc"]) or "the whole"
    match found["type"]:
        case "extra_forbidden":
            return f"{field} is no key of a recipe"
        case "missing":
            return f"{field} is missing"
    return f"{field}: {found['msg'].removeprefix('Value error, ')}"
