"""INT8 by static quantisation: ranges are read from training images, weights are rounded per channel."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from evenscreen.compression.export import INPUT
from evenscreen.compression.recipe import Quantisation

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


class Images(CalibrationDataReader):  # type: ignore[misc]
    """Feeds `images` (uint8 [n, H, W, 3]) one by one."""

    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self._rest: Iterator[npt.NDArray[np.uint8]] = iter(images[:, None])

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        image = next(self._rest, None)
        return None if image is None else {INPUT: image}


def quantise(source: Path, images: npt.NDArray[np.uint8], plan: Quantisation, path: Path) -> None:
    """Write the INT8 form of the float graph `source` to `path`.

    `images` (uint8 [n, H, W, 3]) set the ranges of activations. Activations are uint8 and weights int8: on
    x86 two to four times as fast as int8 for both. Normalisation, pooling and the last layer stay in float:
    they cost nothing, and 256 levels of a logit would be too few for 10,001 scores.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        # Symbolic shape inference cannot follow a batch of any size, and nothing here needs it.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "Add"],
            per_channel=True,
            reduce_range=plan.seven_bit_weights,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=METHODS[plan.method],
        )
