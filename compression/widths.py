"""A network of any widths as a file: its class alone does not know how wide pruning left its layers."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.networks.hybrid import Block, Residual
from evenscreen.compression.networks.make import make
from evenscreen.compression.recipe import Lite, Network
from evenscreen.compression.train import write
from evenscreen.compression.units import units
from evenscreen.schemas.errors import Fatal

SPEC: TypeAdapter[Network] = TypeAdapter(Network)


def widths(network: Classifier) -> dict[str, int]:
    """Channels, hidden units or heads of every layer that pruning may shrink, by its name."""
    return {name: layer.count for name, layer in units(network).items()}


def save_pruned(network: Classifier, spec: Network, classes: int, path: Path) -> None:
    """Write `network`, made from `spec` for `classes` and pruned or not, to `path`: whole or not at all.

    On return the file holds specification, widths and weights (on the CPU), and nothing that runs when it
    is read. Kernels and matrices are in half precision, since a run keeps many networks, and all that follows
    is made from the file; norms and offsets are kept as they are. Raises Fatal when the disk is full.
    """
    state = {
        "network": spec.model_dump(mode="json"),
        "classes": classes,
        "widths": widths(network),
        "weights": {name: _stored(tensor) for name, tensor in network.state_dict().items()},
    }
    write(state, path)


def load_pruned(path: Path) -> Classifier:
    """The network in `path`, on the CPU, in evaluation mode; the unpruned widths are never allocated.

    Raises Fatal when there is no such file or it holds something else.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        network = empty(SPEC.validate_python(state["network"]), state["classes"], state["widths"])
        weights = {name: _loaded(tensor) for name, tensor in state["weights"].items()}
        network.load_state_dict(weights, assign=True)
    except FileNotFoundError:
        raise Fatal(f"There is no {path.name}: has its step been run?") from None
    except (
        pickle.UnpicklingError,
        RuntimeError,
        KeyError,
        ValueError,
        TypeError,
        EOFError,
        OSError,
    ) as error:
        raise Fatal(f"{path.name} holds no network that can be read ({type(error).__name__}).") from None
    return network.eval()


def _stored(tensor: Tensor) -> Tensor:
    """Norms keep their precision: variances may be too small or too large for half of it."""
    return tensor.cpu().half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor.cpu()


def _loaded(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def empty(spec: Network, classes: int, widths: Mapping[str, int]) -> Classifier:
    """The network of `spec` with layers of `widths`, its tensors without content (on the meta device)."""
    if isinstance(spec, Lite):
        spec = spec.model_copy(update={"pretrained": False})
    with torch.device("meta"):
        network = make(spec, classes)
        for name, module in list(network.named_modules()):
            match module:
                case Residual():
                    width = len(module.get_parameter("outer.1.weight"))
                    network.set_submodule(name, Residual(width, widths[name]))
                case Block():
                    heads, hidden = widths[f"{name}.attention"], widths[f"{name}.perceptron"]
                    narrow = Block(
                        module.attention.out.out_features,
                        heads,
                        module.attention.head_width,
                        hidden,
                        module.drop_path,
                    )
                    network.set_submodule(name, narrow)
    return network
