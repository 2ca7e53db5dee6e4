"""`manifest.json`: what a model folder promises about its `model.onnx`."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evenscreen.schemas.identity import model_version
from evenscreen.schemas.reasons import Modality


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preprocessing(Part):
    """From decoded RGB to the graph's input `uint8 [N, height, width, 3]`; normalisation is in the graph."""

    height: int = Field(gt=0)
    width: int = Field(gt=0)
    resize: Literal["shorter_side_then_centre_crop"] = "shorter_side_then_centre_crop"
    interpolation: Literal["bilinear_antialiased"] = "bilinear_antialiased"


class Interval(Part):
    """A proportion or an area with its 95 % limits."""

    value: float
    low: float
    high: float
    method: Literal["wilson", "delong"]


class Calibration(Part):
    """Probabilities are softmax(logits / temperature) (Guo et al. 2017)."""

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(gt=0)
    split: str


class OperatingPoint(Part):
    """An image is flagged when its integer score (0..10,000) is at or above `threshold`."""

    threshold: int = Field(ge=0, le=10_000)
    target_sensitivity: float = Field(gt=0, lt=1)
    sensitivity: Interval
    specificity: Interval
    split: str


class Lineage(Part):
    """What the file was made from, so that it can be made again."""

    parent_sha256: str | None
    recipe: str
    recipe_sha256: str
    data: str
    data_sha256: str
    data_licence: str
    seed: int
    versions: dict[str, str]


class Result(Part):
    """Measured on one split by one form of the model; the test split is read once."""

    split: str
    form: Literal["fp32", "int8"]
    n: int
    positives: int
    auroc: Interval
    sensitivity: Interval | None = None
    """At the operating point, as is `specificity`."""
    specificity: Interval | None = None


class Latency(Part):
    batch: int
    threads: int
    median_ms: float
    machine: str


class Manifest(Part):
    """Everything a worker and a reader need to know about one model file."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,48}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: int = Field(gt=0)
    preprocessing: Preprocessing
    labels: tuple[str, ...] = Field(min_length=2)
    malignant: tuple[str, ...] = Field(min_length=1)
    calibration: Calibration
    operating_point: OperatingPoint
    intended_modality: Modality
    intended_use: str
    lineage: Lineage
    results: tuple[Result, ...]
    latency: tuple[Latency, ...]
    groups: tuple[str, ...] = ()
    """Skin-type groups with reported evidence; empty means that none was available."""

    @model_validator(mode="after")
    def _malignant_labels_are_labels(self) -> Self:
        if not set(self.malignant) <= set(self.labels):
            raise ValueError("malignant names a label that the model does not have")
        return self

    @property
    def model_version(self) -> str:
        return model_version(self.name, self.sha256)
