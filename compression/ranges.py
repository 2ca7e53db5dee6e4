"""The ranges of a graph's activations, read from images a few at a time so that memory stays bounded.

onnxruntime's own way to bound it, CalibMaxIntermediateOutputs=k, forgets each k images instead of merging
them: what counts is the rest of the division, and without a rest it fails.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import create_calibrator, save_tensors_data

from evenscreen.compression.export import INPUT
from evenscreen.compression.progress import counted

CHUNK = 8
"""Images whose activations are held at one time."""

METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
OPTIONS: dict[str, dict[str, float | bool]] = {
    "minmax": {},
    "percentile": {"percentile": 99.999, "symmetric": False},
}


class Images(CalibrationDataReader):  # type: ignore[misc]
    """Feeds `images` (uint8 [n, H, W, 3]) one by one."""

    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self._rest: Iterator[npt.NDArray[np.uint8]] = iter(images[:, None])

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        image = next(self._rest, None)
        return None if image is None else {INPUT: image}


def save_ranges(
    graph: Path, images: npt.NDArray[np.uint8], method: str, operators: list[str], path: Path
) -> None:
    """Write to `path` the range of every value that one of `operators` reads or gives, over all `images`."""
    augmented = path.with_suffix(".onnx")
    calibrator = create_calibrator(
        graph, operators, augmented.as_posix(), METHODS[method], extra_options=OPTIONS[method]
    )
    for start in counted(range(0, len(images), CHUNK), "ranges of activations"):
        calibrator.collect_data(Images(images[start : start + CHUNK]))
    save_tensors_data(calibrator.compute_data(), path)
