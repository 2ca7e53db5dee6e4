"""What a model file answers, and how good that is."""

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from evenscreen.compression.export import INPUT, OUTPUT
from evenscreen.compression.progress import counted
from evenscreen.pipeline.decide import Decision
from evenscreen.pipeline.evidence.intervals import Limits, delong_interval, wilson_interval
from evenscreen.schemas.manifest import Form, Interval, Result


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """A session on the CPU that computes with `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def model_logits(path: Path, images: npt.NDArray[np.uint8], batch: int = 32) -> npt.NDArray[np.float32]:
    """Logits float32 [n, L] of the file at `path` for preprocessed `images` uint8 [n, H, W, 3]."""
    model = session(path)
    starts = counted(range(0, len(images), batch), f"asking {path.name}")
    return np.concatenate([model.run([OUTPUT], {INPUT: images[at : at + batch]})[0] for at in starts])


def evaluate(decisions: list[Decision], malignant: npt.NDArray[np.bool_], split: str, form: Form) -> Result:
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


def interval(limits: Limits, method: Literal["wilson", "delong"]) -> Interval:
    return Interval(value=limits.value, low=limits.low, high=limits.high, method=method)
