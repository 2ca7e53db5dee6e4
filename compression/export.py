"""From a trained network to an ONNX graph that takes pixels as they are."""

import copy
import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import DEVIATION, MEAN
from evenscreen.compression.networks.flat import FlatBlocks
from evenscreen.schemas.manifest import Preprocessing

OPSET = 18
INPUT, OUTPUT = "images", "logits"


class Serving(nn.Module):
    """`uint8 [N, H, W, 3]` to `float32 [N, classes]`: layout, normalisation and class priors inside.

    `network` has a linear `head` as its last layer, to whose bias `shift` (float32 [classes]: see
    losses.serving_shift) is added. Pixels lose their mean, one number for all channels; their deviation goes
    into the weights of the first convolution, where it costs nothing. The mean stays outside: in the bias it
    would be wrong wherever the convolution sees its padding.
    """

    def __init__(self, network: nn.Module, shift: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).cpu().eval()
        if isinstance(blocks := getattr(self.network, "blocks", None), nn.Sequential):
            self.network.blocks = FlatBlocks(blocks)
        self.mean = MEAN[0]
        first = next(module for module in self.network.modules() if isinstance(module, nn.Conv2d))
        with torch.no_grad():
            first.weight.div_(torch.tensor(DEVIATION).view(1, 3, 1, 1))
            self.network.head.bias.add_(torch.from_numpy(shift))  # type: ignore[operator, union-attr]

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.permute(0, 3, 1, 2).float() - self.mean)  # type: ignore[no-any-return]


def export(serving: Serving, spec: Preprocessing, path: Path) -> None:
    """Write `serving` to `path` as ONNX: any batch size, BatchNorm folded, weights inside the file."""
    # The exporter warns about torchvision operators, which this graph has none of.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    example = torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8)
    torch.onnx.export(
        serving.eval(),
        (example,),
        path,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    graph = onnx.load(path)
    _forget_origin(graph)
    onnx.save(graph, path)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes: they hold the paths of the machine it ran on.

    Its shapes of inner values go too: they name the weights' own, and onnxruntime's dynamic quantisation,
    which turns weights round, stumbles over them.
    """
    graph = model.graph
    graph.ClearField("value_info")
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
