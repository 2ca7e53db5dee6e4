"""A small hybrid network with lively random weights, and its FP32 file: what graph tests start from."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from torch import nn

from evenscreen.compression.export import Serving, export
from evenscreen.compression.networks.hybrid import Hybrid
from evenscreen.compression.recipe import Attention, Stage
from evenscreen.compression.recipe import Hybrid as Spec
from evenscreen.schemas.manifest import (
    Calibration,
    Interval,
    Lineage,
    Manifest,
    OperatingPoint,
    Preprocessing,
)

SIDE, CLASSES = 48, 3
SPEC = Preprocessing(height=SIDE, width=SIDE)
SHIFT = np.array([0.5, -1.0, 0.25], np.float32)


@dataclass(frozen=True)
class Exported:
    network: Hybrid
    serving: Serving
    path: Path


def small_network() -> Hybrid:
    """Few widths are a power of two; BatchNorm and biases are not at their defaults."""
    torch.manual_seed(11)
    stages = (Stage(width=16, blocks=1), Stage(width=24, blocks=1))
    spec = Spec(stem=8, stages=stages, attention=Attention(width=48, heads=3, hidden=40, blocks=2))
    network = Hybrid(spec, CLASSES).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.2, 0.4)
            if isinstance(module, nn.Linear):
                module.weight.normal_(std=module.in_features**-0.5)
                if module.bias is not None:
                    module.bias.uniform_(-0.2, 0.2)
    return network


@cache
def exported() -> Exported:
    """Made once per process: the exporter takes seconds."""
    network = small_network()
    serving = Serving(network, SHIFT)
    path = Path(mkdtemp(prefix="evenscreen-exported-")) / "fp32.onnx"
    export(serving, SPEC, path)
    return Exported(network, serving, path)


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Smooth coloured blots, uint8 [n, SIDE, SIDE, 3]: more like photographs than noise is."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    images = np.empty((n, SIDE, SIDE, 3))
    for image in images:
        centre, size = random.uniform(0.3, 0.7, 2), random.uniform(0.05, 0.3)
        blot = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / size**2)[..., None]
        image[:] = random.uniform(120, 255, 3) * (1 - blot) + random.uniform(0, 160, 3) * blot
    return (images + random.normal(0, 6, images.shape)).clip(0, 255).astype(np.uint8)


def manifest(threshold: int) -> Manifest:
    """Any manifest that decides: flags scores of at least `threshold`."""
    unknown = Interval(value=0.5, low=0, high=1, method="wilson")
    return Manifest(
        name="small",
        sha256="0" * 64,
        parameters=1,
        preprocessing=SPEC,
        labels=("MEL", "NV", "VASC"),
        malignant=("MEL",),
        calibration=Calibration(temperature=1.0, split="val"),
        operating_point=OperatingPoint(
            threshold=threshold, target_sensitivity=0.9, sensitivity=unknown, specificity=unknown, split="val"
        ),
        intended_modality="dermoscopy",
        intended_use="Tests.",
        lineage=Lineage(
            parent_sha256=None,
            recipe="none",
            recipe_sha256="0" * 64,
            data="none",
            data_sha256="0" * 64,
            data_licence="none",
            seed=0,
            versions={},
        ),
        results=(),
        latency=(),
    )
