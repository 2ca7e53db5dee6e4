"""What a model file answers, and how good that is."""

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict

from evenscreen.compression.export import INPUT, OUTPUT
from evenscreen.pipeline.decide import Decision, decide
from evenscreen.pipeline.evidence.intervals import Limits, delong_interval, wilson_interval
from evenscreen.schemas.manifest import Interval, Manifest, Result


class Agreement(BaseModel):
    """How far the INT8 form answers as the FP32 form does, on one split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str
    n: int
    same_label: int
    """Images whose most probable label is the same."""
    flips: int
    """Images that only one of the two flags."""
    score_correlation: float
    largest_score_difference: int


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """A session on the CPU that computes with `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def model_logits(path: Path, images: npt.NDArray[np.uint8], batch: int = 32) -> npt.NDArray[np.float32]:
    """Logits float32 [n, L] of the file at `path` for preprocessed `images` uint8 [n, H, W, 3]."""
    model = session(path)
    starts = range(0, len(images), batch)
    return np.concatenate([model.run([OUTPUT], {INPUT: images[at : at + batch]})[0] for at in starts])


def evaluate(
    decisions: list[Decision], malignant: npt.NDArray[np.bool_], split: str, form: Literal["fp32", "int8"]
) -> Result:
    """AUROC of the integer scores, sensitivity and specificity of the flags, all with 95 % limits."""
    sensitivity, specificity = rates(np.array([decision.flagged for decision in decisions]), malignant)
    return Result(
        split=split,
        form=form,
        n=len(decisions),
        positives=int(malignant.sum()),
        auroc=interval(delong_interval([decision.score for decision in decisions], malignant), "delong"),
        sensitivity=sensitivity,
        specificity=specificity,
    )


def rates(flagged: npt.NDArray[np.bool_], malignant: npt.NDArray[np.bool_]) -> tuple[Interval, Interval]:
    """Sensitivity and specificity of `flagged` [n], each with Wilson limits."""
    sensitivity = wilson_interval(int(flagged[malignant].sum()), int(malignant.sum()))
    specificity = wilson_interval(int((~flagged)[~malignant].sum()), int((~malignant).sum()))
    return interval(sensitivity, "wilson"), interval(specificity, "wilson")


def agreement(
    fp32: npt.NDArray[np.float32], int8: npt.NDArray[np.float32], manifest: Manifest, split: str
) -> Agreement:
    """Compare the logits float32 [n, L] of both forms, decided by one manifest."""
    ours, theirs = decide(int8, manifest), decide(fp32, manifest)
    scores = np.array([[a.score, b.score] for a, b in zip(ours, theirs, strict=True)])
    return Agreement(
        split=split,
        n=len(ours),
        same_label=int((int8.argmax(1) == fp32.argmax(1)).sum()),
        flips=sum(a.flagged != b.flagged for a, b in zip(ours, theirs, strict=True)),
        score_correlation=float(np.corrcoef(scores.T)[0, 1]),
        largest_score_difference=int(np.abs(scores[:, 0] - scores[:, 1]).max()),
    )


def interval(limits: Limits, method: Literal["wilson", "delong"]) -> Interval:
    return Interval(value=limits.value, low=limits.low, high=limits.high, method=method)
