"""A model folder in milliseconds, without torch: its scores depend on the pixels and on nothing else."""

import hashlib
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from evenscreen.schemas.manifest import Manifest

SIDE = 32
LABELS = ("benign", "malignant")


def build_tiny_model(folder: Path, name: str = "tiny", seed: int = 0) -> Path:
    """`folder` with `model.onnx` (uint8 [N, 32, 32, 3] → mean colour → logits [N, 2]) and its manifest.

    Red photographs are malignant, green ones benign; `seed` changes the weights a little and the checksum.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = _graph(seed)
    (folder / "model.onnx").write_bytes(content)
    manifest = _manifest(name, hashlib.sha256(content).hexdigest())
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def _graph(seed: int) -> bytes:
    weights = np.array([[-4.0, 4.0], [4.0, -4.0], [0.0, 0.0]], np.float32)
    weights += np.random.default_rng(seed).normal(0, 0.01, weights.shape).astype(np.float32)
    constants = {
        "full": np.array(255.0, np.float32),
        "axes": np.array([1, 2], np.int64),
        "weights": weights,
        "bias": np.zeros(2, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "full"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["colour"], keepdims=0),
        helper.make_node("Gemm", ["colour", "weights", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(LABELS)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def _manifest(name: str, sha256: str) -> Manifest:
    even = {"value": 0.5, "low": 0.1, "high": 0.9, "method": "wilson"}
    return Manifest.model_validate(
        {
            "name": name,
            "sha256": sha256,
            "parameters": 8,
            "preprocessing": {"height": SIDE, "width": SIDE},
            "labels": LABELS,
            "malignant": LABELS[1:],
            "calibration": {"temperature": 1.0, "split": "none"},
            "operating_point": {
                "threshold": 5000,
                "target_sensitivity": 0.9,
                "sensitivity": even,
                "specificity": even,
                "split": "none",
            },
            "intended_modality": "clinical",
            "intended_use": "Tests only.",
            "lineage": {
                "parent_sha256": None,
                "recipe": "tests",
                "recipe_sha256": "0" * 64,
                "data": "none",
                "data_sha256": "0" * 64,
                "data_licence": "none",
                "seed": 0,
                "versions": {},
            },
            "results": [],
            "latency": [],
        }
    )
