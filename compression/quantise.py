"""From FP32 to the form that is shipped."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from evenscreen.compression.ranges import METHODS, save_ranges
from evenscreen.compression.recipe import Quantisation

STATIC = ["Conv", "Gemm", "Add", "Relu", "Clip"]
ALWAYS_FLOAT = ["LayerNormalization", "Softmax", "ReduceMean"]
"""Sums of squares and exponentials, for which half precision is too coarse."""

Images = npt.NDArray[np.uint8]


def quantise(source: Path, images: Images, plan: Quantisation, path: Path) -> None:
    """Write the form that `plan` names of the float graph `source` to `path`; input and output stay.

    static   convolutions and dense layers in integers, ranges read from `images` (uint8 [n, H, W, 3])
    dynamic  dense layers in integers, ranges read from each batch: an image's score then depends a little
             on the images beside it
    fp16     half precision
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        # Symbolic shape inference cannot follow a batch of any size, and nothing here needs it.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        FORMS[plan.form](prepared, images, plan, path)


def _static(source: Path, images: Images, plan: Quantisation, path: Path) -> None:
    """Activations uint8, weights int8: on x86 two to four times as fast as int8 for both.

    A dense layer gives float32, and what it is added to stays float32: the sum that runs through all blocks
    has outliers (Bondarenko et al. 2021), and 256 levels of it cost more accuracy than they save time. The
    last layer stays in float: 256 levels of a logit would be too few for 10,001 scores.
    """
    ranges = source.with_name("ranges.json")
    save_ranges(source, images, plan.method, STATIC, ranges)
    quantize_static(
        source,
        path,
        calibration_cache_path=ranges,
        calibrate_method=METHODS[plan.method],
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=STATIC,
        nodes_to_exclude=[_head(source), *_running_sums(source)],
        per_channel=True,
        reduce_range=plan.seven_bit_weights,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )


def _dynamic(source: Path, _images: Images, plan: Quantisation, path: Path) -> None:
    head = _head(source)
    quantize_dynamic(
        source,
        path,
        op_types_to_quantize=["Gemm", "MatMul"],
        # Every Gemm becomes a product and an addition first; the product has this name then.
        nodes_to_exclude=[f"{head}_MatMul", head, *_products(source)],
        per_channel=True,
        reduce_range=plan.seven_bit_weights,
        weight_type=QuantType.QInt8,
    )


def _fp16(source: Path, _images: Images, _plan: Quantisation, path: Path) -> None:
    half = convert_float_to_float16(onnx.load(source), keep_io_types=True, op_block_list=ALWAYS_FLOAT)
    onnx.save(half, path)


FORMS: dict[str, Callable[[Path, Images, Quantisation, Path], None]] = {
    "static": _static,
    "dynamic": _dynamic,
    "fp16": _fp16,
}


def _head(path: Path) -> str:
    """The node that gives the logits."""
    graph = onnx.load(path).graph
    return next(str(node.name) for node in graph.node if graph.output[0].name in node.output)


def _running_sums(path: Path) -> list[str]:
    """Additions to what a dense layer gave."""
    nodes = onnx.load(path).graph.node
    dense = {name for node in nodes if node.op_type == "Gemm" for name in node.output}
    return [node.name for node in nodes if node.op_type == "Add" and dense & set(node.input)]


def _products(path: Path) -> list[str]:
    """Products of two activations: attention's own, which stay float."""
    graph = onnx.load(path).graph
    weights = {weight.name for weight in graph.initializer}
    return [node.name for node in graph.node if node.op_type == "MatMul" and not weights & set(node.input)]
