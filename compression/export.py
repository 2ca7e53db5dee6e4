"""From a trained network to an ONNX graph that takes pixels as they are."""

import copy
import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from evenscreen.compression.networks.residual import Residual, normalise
from evenscreen.schemas.manifest import Preprocessing

OPSET = 18
INPUT, OUTPUT = "images", "logits"


class Serving(nn.Module):
    """`uint8 [N, H, W, 3]` to `float32 [N, classes]`: layout, normalisation and class priors inside.

    Training under class weights w learns probabilities proportional to w * p; subtracting log w from the
    logits gives back p, the probabilities at the training set's own frequencies (Elkan 2001).
    """

    def __init__(self, network: Residual, class_weights: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        with torch.no_grad():
            self.network.head.bias.sub_(torch.from_numpy(np.log(class_weights)))

    def forward(self, images: Tensor) -> Tensor:
        return self.network(normalise(images.permute(0, 3, 1, 2).float()))  # type: ignore[no-any-return]


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
    """Remove the exporter's notes: they hold the paths of the machine it ran on."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def parameters(network: nn.Module) -> int:
    """How many numbers the network learned."""
    return sum(parameter.numel() for parameter in network.parameters())
