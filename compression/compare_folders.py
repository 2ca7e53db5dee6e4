"""Two model folders on real images: load, render, ask both, compare."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from evenscreen.compression.cases import Answers, Booleans, Cases, Evidence
from evenscreen.compression.compare import MARGIN, compare
from evenscreen.compression.comparison import Comparison, Footprint
from evenscreen.compression.data import load_split
from evenscreen.compression.groups import RANGES, TYPES, Reported, load_reported, members
from evenscreen.compression.recipe import Data
from evenscreen.compression.tones import TONES, render
from evenscreen.pipeline.decide import decide
from evenscreen.pipeline.infer import infer
from evenscreen.pipeline.model import Model, load_model
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest, Preprocessing

Images = npt.NDArray[np.uint8]
Views = Mapping[Preprocessing, Images]
"""The same images once per way of preprocessing, since the two models may differ in that."""

AT_ONCE = 32


def compare_folders(
    parent_dir: Path,
    candidate_dir: Path,
    data_dir: Path,
    reported_dir: Path | None,
    split: str = "test",
    margin: float = MARGIN,
    signed_by: str | None = None,
    compared_on: date | None = None,
) -> Comparison:
    """Ask both models about the same images and compare them; nothing is written.

    Raises Fatal when a folder is not what it should be, or the models do not share their labels.
    """
    parent, candidate = _model("parent", parent_dir), _model("candidate", candidate_dir)
    _refuse_other_labels(parent.manifest, candidate.manifest)
    evidence = _evidence(parent, candidate, data_dir, reported_dir, split)
    return compare(
        _footprint(parent.manifest, parent_dir),
        _footprint(candidate.manifest, candidate_dir),
        evidence,
        compared_on or datetime.now(UTC).date(),
        margin,
        signed_by,
    )


@dataclass(frozen=True)
class Pair:
    """Both models, and what counts the images that they have answered."""

    parent: Model
    candidate: Model
    answered: Callable[[int], None]

    def cases(self, views: Views, malignant: Booleans, patients: npt.NDArray[np.str_] | None = None) -> Cases:
        """What both say about the same images."""
        parent, candidate = (
            _answers(model, views[model.manifest.preprocessing], self.answered)
            for model in (self.parent, self.candidate)
        )
        return Cases(parent, candidate, malignant, np.arange(len(malignant)), patients)


def _evidence(
    parent: Model, candidate: Model, data_dir: Path, reported_dir: Path | None, split: str
) -> Evidence:
    """Everything both models say. All images are read before any is answered: mistakes show at once."""
    specs = {model.manifest.preprocessing for model in (parent, candidate)}
    data = data_of(candidate.manifest)
    splits = {spec: load_split(data_dir, split, data, spec) for spec in specs}
    judged = (
        {spec: _judging(reported_dir, spec, candidate.manifest) for spec in specs} if reported_dir else {}
    )
    plain = {spec: one.images for spec, one in splits.items()}
    malignant = next(iter(splits.values())).malignant(data)
    reported = next(iter(judged.values()), None)
    total = (1 + len(TONES)) * len(malignant) + (len(reported.images) if reported else 0)
    with _counted(2 * total) as answered:
        pair = Pair(parent, candidate, answered)
        overall = pair.cases(plain, malignant)
        simulated = {
            name: pair.cases({spec: render(images, tone) for spec, images in plain.items()}, malignant)
            for name, tone in zip(TYPES, TONES, strict=True)
        }
        if reported is None or reported_dir is None:
            return Evidence(split, overall, simulated)
        views = {spec: one.images for spec, one in judged.items()}
        asked = pair.cases(views, reported.malignant, reported.patients)
        return Evidence(
            split,
            overall,
            simulated,
            reported_data=f"{reported_dir.resolve().name}, part {reported.name}",
            reported={name: asked.take(chosen) for name, chosen in members(reported, RANGES).items()},
            reported_types={name: asked.take(chosen) for name, chosen in members(reported, TYPES).items()},
        )


def _judging(folder: Path, spec: Preprocessing, candidate: Manifest) -> Reported:
    """The patients that the candidate's makers kept for judging: parted by the seed of its lineage."""
    return load_reported(folder, spec, candidate.lineage.seed).judge


def _answers(model: Model, images: Images, answered: Callable[[int], None]) -> Answers:
    scores, flagged = [], []
    for start in range(0, len(images), AT_ONCE):
        batch = images[start : start + AT_ONCE]
        for decision in decide(infer(model, list(batch)), model.manifest):
            scores.append(decision.score)
            flagged.append(decision.flagged)
        answered(len(batch))
    return Answers(np.array(scores, np.int64), np.array(flagged, np.bool_))


def _model(role: str, folder: Path) -> Model:
    try:
        return load_model(folder, os.cpu_count() or 1)
    except Fatal as fatal:
        raise Fatal(f"The {role} cannot be loaded. {fatal}") from None


def _refuse_other_labels(parent: Manifest, candidate: Manifest) -> None:
    if (set(parent.labels), set(parent.malignant)) != (set(candidate.labels), set(candidate.malignant)):
        raise Fatal(
            f"Parent and candidate cannot be compared: the parent's labels are {', '.join(parent.labels)} "
            f"(malignant: {', '.join(parent.malignant)}), the candidate's {', '.join(candidate.labels)} "
            f"(malignant: {', '.join(candidate.malignant)})."
        )


def data_of(manifest: Manifest) -> Data:
    """What a manifest says of the labels it was trained on."""
    return Data(
        name=manifest.lineage.data,
        licence=manifest.lineage.data_licence,
        citation="",
        labels=manifest.labels,
        malignant=manifest.malignant,
        intended_modality=manifest.intended_modality,
    )


def _footprint(manifest: Manifest, folder: Path) -> Footprint:
    return Footprint(
        model_version=manifest.model_version,
        form=manifest.form,
        size_bytes=(folder / "model.onnx").stat().st_size,
        parameters=manifest.parameters,
        macs=manifest.macs,
        latency=manifest.latency,
        threshold=manifest.operating_point.threshold,
    )


@contextmanager
def _counted(total: int) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("Comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda images: progress.advance(task, images)
