"""A recipe: everything that decides what a model becomes, in one YAML file."""

import hashlib
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing
from evenscreen.schemas.reasons import Modality


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(Section):
    """A folder of `images/` and a `labels.csv` with the columns image, split, dx."""

    name: str
    licence: str
    citation: str
    labels: tuple[str, ...] = Field(min_length=2)
    malignant: tuple[str, ...] = Field(min_length=1)
    intended_modality: Modality

    @model_validator(mode="after")
    def _malignant_labels_are_labels(self) -> Self:
        if unknown := set(self.malignant) - set(self.labels):
            raise ValueError(f"malignant names labels that there are not: {sorted(unknown)}")
        return self


class Network(Section):
    """A residual network: a strided stem, then one halving convolution and residual block per width."""

    family: Literal["residual"] = "residual"
    stem: int = Field(gt=0)
    widths: tuple[int, ...] = Field(min_length=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Phase(Section):
    """Epochs at one image side: small images first are cheaper and cost no accuracy (Howard 2018)."""

    epochs: int = Field(gt=0)
    side: int = Field(gt=0)


class Training(Section):
    """AdamW on a one-cycle schedule, weighted cross-entropy, exponential moving average of the weights."""

    seed: int
    phases: tuple[Phase, ...] = Field(min_length=1)
    batch: int = Field(gt=1)
    peak_learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warm_up_share: float = Field(default=0.15, gt=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    balance: float = Field(default=0.5, ge=0, le=1)
    """A class weighs frequency to the power of minus this: 0 leaves it as it is, 1 balances fully."""
    ema_decay: float = Field(default=0.998, ge=0, lt=1)

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)

    def side(self, epoch: int) -> int:
        """Side of the square training images in pixels during `epoch` (0-based)."""
        sides = [phase.side for phase in self.phases for _ in range(phase.epochs)]
        return sides[epoch]


class Quantisation(Section):
    """Static QDQ, activations uint8, weights int8 per channel."""

    images: int = Field(gt=0)
    """Training images that the activation ranges are read from."""
    method: Literal["minmax", "entropy", "percentile"] = "minmax"
    seven_bit_weights: bool = True
    """One bit less, so that x86 without VNNI, whose 16-bit sums saturate, gives the same answers."""


class Recipe(Section):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,48}$")
    intended_use: str
    data: Data
    preprocessing: Preprocessing
    network: Network
    training: Training
    weights: Literal["average", "last"] = "average"
    """Which to ship: compare the two on val. In a short run the average still remembers its beginning."""
    quantisation: Quantisation
    target_sensitivity: float = Field(gt=0, lt=1)

    def training_fingerprint(self, data_sha256: str) -> str:
        """SHA-256 over what decides the trained weights: a run is resumed only under the same one."""
        parts = (self.data, self.preprocessing, self.network, self.training)
        text = "\n".join([data_sha256, *(part.model_dump_json() for part in parts)])
        return hashlib.sha256(text.encode()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`. Raises Fatal with the field at fault when it is not one."""
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise Fatal(f"The recipe {path.name} cannot be used: {error}") from None
