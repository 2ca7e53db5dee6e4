"""The exported graph is the network, in a form that serves."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="export needs torch: pip install 'evenscreen[train]'")

import onnx
import torch

from evenscreen.compression.evaluate import model_logits, session
from evenscreen.compression.export import Serving
from evenscreen.compression.networks.classifier import DEVIATION, MEAN, normalise
from evenscreen.compression.networks.hybrid import Block, Residual

from .exported import CLASSES, SHIFT, SIDE, exported, pictures, small_network


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


@torch.no_grad()
def shifted_logits(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    """What training computed, and the shift."""
    views = torch.from_numpy(images).permute(0, 3, 1, 2)
    return network(normalise(views.float())).numpy() + SHIFT


def test_the_file_answers_as_the_trained_network_plus_shift() -> None:
    images = pictures(5)
    expected = shifted_logits(exported().network, images)
    assert expected.std(0).min() > 0.01
    assert np.allclose(model_logits(exported().path, images), expected, atol=1e-4)


def test_serving_form_is_exact_at_the_border() -> None:
    """White, black and grey images differ most from the padding, which stands for the mean."""
    images = np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 127, 128, 255)])
    with torch.no_grad():
        served = exported().serving(torch.from_numpy(images)).numpy()
    assert np.allclose(served, shifted_logits(exported().network, images), atol=1e-5)


def test_a_pruned_network_serves_the_same_answers() -> None:
    """Fewer heads, hidden units and inner channels than the recipe says: the serving form follows."""
    network = small_network()
    for at, stage in enumerate(network.stages):
        if isinstance(stage, Residual):
            network.stages[at] = Residual(stage.outer[0].out_channels, 8)
    network.blocks[0] = Block(48, 1, 16, 24, 0.5)
    network.eval()
    images = pictures(3)
    with torch.no_grad():
        served = Serving(network, SHIFT)(torch.from_numpy(images)).numpy()
    assert np.allclose(served, shifted_logits(network, images), atol=1e-5)


def test_serving_leaves_the_network_it_was_made_from_as_it_was() -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    Serving(network, SHIFT)
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert list(before) == list(after)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_any_batch_size_gives_the_same_answers(batch: int) -> None:
    images = pictures(7)
    path = exported().path
    assert np.allclose(model_logits(path, images, batch), model_logits(path, images, 7), atol=1e-5)


def test_the_graph_takes_bytes_and_gives_floats() -> None:
    model = session(exported().path)
    (taken,), (given,) = model.get_inputs(), model.get_outputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(uint8)", [SIDE, SIDE, 3])
    assert (given.name, given.type, given.shape[1:]) == ("logits", "tensor(float)", [CLASSES])
    assert isinstance(taken.shape[0], str)


def test_the_graph_is_made_of_few_and_large_operators() -> None:
    count = operators(exported().path)
    blocks = len(exported().network.blocks)
    assert count["LayerNormalization"] == 2 * blocks + 1
    assert count["Gemm"] == 4 * blocks + 1, "one for query, key and value; biases inside"
    assert count["Softmax"] == blocks
    assert count["MatMul"] == 2 * blocks
    assert (count["BatchNormalization"], count["Div"], count["Cast"], count["Sub"]) == (0, 0, 1, 1)
    assert min(entry.version for entry in onnx.load(exported().path).opset_import) >= 17


def test_the_file_says_nothing_about_the_machine_it_was_made_on() -> None:
    content = exported().path.read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in content
    assert b"site-packages" not in content
    assert b".py" not in content


def test_one_mean_and_one_deviation_serve_all_channels() -> None:
    assert len(set(MEAN)) == len(set(DEVIATION)) == 1
