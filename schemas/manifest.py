"""`manifest.json`: what a model folder promises about its `model.onnx`."""

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evenscreen.schemas.identity import model_version
from evenscreen.schemas.reasons import Modality

Form = Literal["fp32", "fp16", "int8"]
"""What the numbers in a model file are."""

PairedVerdict = Literal["no worse", "worse", "insufficient evidence"]


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


class Guide(Part):
    """Pretrained weights that the parent learned from."""

    name: str
    source: str
    licence: str
    """What is stated about it, and by whom."""


class Compression(Part):
    """What was done to the parent."""

    importance: str | None
    """How channels were ranked; None when none was removed."""
    removed: float = Field(ge=0, lt=1)
    """Share of the parent's parameters that is gone."""
    quantisation: Literal["none", "static", "dynamic", "fp16"]


class PhotographsPart(Part):
    images: int = Field(ge=0)
    patients: int = Field(ge=0)


class Photographs(Part):
    """Photographs of people whose skin type a clinician reported, in two parts without a common patient.

    No part was learned from. `judged` is what results by reported skin type come from.
    """

    data: str
    """Name, citation, and what was changed, as its licence may demand."""
    licence: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Over the table of labels and all its images, those without a type too."""
    guided_pruning: PhotographsPart | None
    """What ranked the units that pruning removed, beside training images; None where nothing of it did."""
    judged: PhotographsPart
    without_type: int = Field(ge=0)
    """Photographs left out because their skin type is not recorded."""


class Lineage(Part):
    """What the file was made from, so that it can be made again."""

    parent_sha256: str | None
    """The parent's FP32 model.onnx; None for a model that was trained as it is."""
    parent_parameters: int | None = Field(default=None, gt=0)
    guide: Guide | None = None
    compression: Compression | None = None
    recipe: str
    recipe_sha256: str
    data: str
    data_sha256: str
    data_licence: str
    photographs: Photographs | None = None
    """None when no reported skin type guided or judged the model."""
    seed: int
    versions: dict[str, str]
    """Of what turned the learned network into this file."""
    learned_on: str | None = None
    """The machine on which its weights were learned, and that machine's PyTorch."""


class Result(Part):
    """Measured on one split by one form of the model; the test split is read once."""

    split: str
    form: Form
    n: int
    positives: int
    auroc: Interval
    sensitivity: Interval | None = None
    """At the operating point, as is `specificity`."""
    specificity: Interval | None = None


class Difference(Part):
    """AUROC of a model minus that of its parent on the same images; bounds are one-sided, 95 % each."""

    value: float
    low: float
    high: float
    method: Literal["paired_delong"] = "paired_delong"


class GroupResult(Part):
    """One skin-type group at the operating point, beside the parent on the same images.

    `simulated` is one split rendered at a tone: a paired stress test, no evidence about people. `reported`
    comes from clinical metadata. The two are never pooled.
    """

    source: Literal["reported", "simulated"]
    group: str
    """A type or tone (I..VI) or a range of them (III–IV)."""
    data: str
    n: int = Field(ge=0)
    positives: int = Field(ge=0)
    patients: int | None = None
    """None where every image is a lesion and person of its own, as far as is known."""
    auroc: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    difference: Difference | None = None
    flips: Interval | None = None
    """Share of images that only one of model and parent flags."""
    newly_missed: int = Field(default=0, ge=0)
    """Malignant images that the parent flags and this model does not."""
    verdict: PairedVerdict | None = None
    """Against the parent; None when there is none."""
    reason: str | None = None
    """Why there is no figure or no verdict."""

    @model_validator(mode="after")
    def _what_is_missing_has_a_reason(self) -> Self:
        if self.positives > self.n:
            raise ValueError("a group has more positives than images")
        if (self.auroc is None or self.verdict == "insufficient evidence") and not self.reason:
            raise ValueError(f"{self.source} group {self.group} does not say why evidence is missing")
        return self


class Promotion(Part):
    """Whether the model may take the place of its parent, as decided on one day on one split."""

    compared_on: date
    parent: str
    """Model version of the parent."""
    split: str
    margin: float = Field(gt=0, lt=1)
    """Loss of AUROC that still counts as "no worse"."""
    difference: Difference | None
    verdict: PairedVerdict
    flips: Interval | None
    newly_missed: int = Field(ge=0)
    promotable: bool
    reasons: tuple[str, ...]
    unassessed: tuple[str, ...]
    """Groups of reported skin type without enough evidence."""
    signed_by: str | None
    """Who answers for those; their evidence is no better for it."""

    @model_validator(mode="after")
    def _somebody_answers_for_what_is_unknown(self) -> Self:
        if self.promotable and self.unassessed and not self.signed_by:
            raise ValueError("promotable without evidence in some groups and without a signature for that")
        return self


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
    form: Form = "fp32"
    parameters: int = Field(gt=0)
    macs: int | None = Field(default=None, gt=0)
    """Multiply-accumulates per image; None when nobody counted."""
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
    groups: tuple[GroupResult, ...] = ()
    """By skin type; without a reported group nothing is known about any."""
    promotion: Promotion | None = None
    """None when the model was never compared with a parent."""

    @model_validator(mode="after")
    def _malignant_labels_are_labels(self) -> Self:
        if not set(self.malignant) <= set(self.labels):
            raise ValueError("malignant names a label that the model does not have")
        return self

    @property
    def model_version(self) -> str:
        return model_version(self.name, self.sha256)
