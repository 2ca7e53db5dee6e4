"""The guide's convolutions with attention behind: it begins as the guide, shrinks, loads, becomes a file."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="networks need torch: pip install 'evenscreen[train]'")
pytest.importorskip("efficientnet_lite_pytorch", reason="its weights come with evenscreen[train]")

import torch
from torch import nn

from evenscreen.compression.export import Serving, export
from evenscreen.compression.networks.classifier import parameters
from evenscreen.compression.networks.inverted import STAGES, InvertedResidual
from evenscreen.compression.networks.lite import Lite
from evenscreen.compression.networks.lite_hybrid import LiteHybrid
from evenscreen.compression.prune import prune_to, remove
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Attention, Quantisation
from evenscreen.compression.recipe import Lite as LiteSpec
from evenscreen.compression.recipe import LiteHybrid as Spec
from evenscreen.compression.units import units
from evenscreen.compression.widths import load_pruned, save_pruned
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

SIDE = 64
SPEC = Spec(attention=Attention(width=1280, heads=4, hidden=64, blocks=1))


def guide() -> Lite:
    """Of random weights, with a life of their own in every norm."""
    torch.manual_seed(3)
    network = Lite(LiteSpec(pretrained=False), 3).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
            module.weight.data.uniform_(0.8, 1.4)
            module.bias.data.uniform_(-0.2, 0.4)
    return network


def begun() -> LiteHybrid:
    network = LiteHybrid(SPEC, 3).eval()
    network.begin_as(guide())
    return network


def awake() -> LiteHybrid:
    """With blocks that add something."""
    network = begun()
    for block in network.blocks:
        for layer in (block.attention.out, block.perceptron[2]):
            nn.init.normal_(layer.weight, std=0.02)
    return network


@pytest.mark.parametrize("side", [64, 96, 160])
def test_it_begins_as_the_guide_answer_for_answer(side: int) -> None:
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        theirs, ours = guide()(images), begun()(images)
    assert theirs.std() > 1e-3
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_first_step_of_learning_moves_the_blocks() -> None:
    network = begun()
    network(torch.randn(2, 3, SIDE, SIDE)).square().sum().backward()
    for block in network.blocks:
        assert block.attention.out.weight.grad.abs().max() > 0
        assert block.perceptron[2].weight.grad.abs().max() > 0


def test_removing_inner_channels_equals_zeroing_what_reads_them() -> None:
    network, name, gone = awake(), "trunk.blocks.5", torch.tensor([3, 0, 7])
    images = torch.randn(2, 3, SIDE, SIDE)
    layer, before, cost = units(network)[name], parameters(network), units(network)[name].parameters
    with torch.no_grad():
        layer.reader.weight[:, gone] = 0
        zeroed = network(images)
        remove(network, {name: gone}, SIDE)
        assert torch.allclose(network(images), zeroed, atol=1e-5)
    assert parameters(network) == before - 3 * cost


def test_pruned_it_loads_again_without_the_widths_of_the_whole(tmp_path: Path) -> None:
    network = awake()
    target = round(0.6 * parameters(network))
    prune_to(network, target, {n: torch.rand(u.count) for n, u in units(network).items()}, 16, SIDE)
    save_pruned(network, SPEC, 3, tmp_path / "pruned.pt")
    again = load_pruned(tmp_path / "pruned.pt")
    images = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        assert torch.equal(again(images), network(images))
    assert 0.97 * target < parameters(again) <= target
    assert (tmp_path / "pruned.pt").stat().st_size < 4.3 * target


def test_its_integer_file_answers_like_the_network(tmp_path: Path) -> None:
    network = awake()
    images = np.random.default_rng(1).integers(0, 256, (24, SIDE, SIDE, 3), np.uint8)
    export(
        Serving(network, np.zeros(3, np.float32)), Preprocessing(height=SIDE, width=SIDE), tmp_path / "f.onnx"
    )
    quantise(tmp_path / "f.onnx", images, Quantisation(images=24), tmp_path / "q.onnx")
    said = [
        onnxruntime.InferenceSession(tmp_path / name).run(None, {"images": images})[0]
        for name in ("f.onnx", "q.onnx")
    ]
    with torch.no_grad():
        pixels = (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127.5) / 63.75
        assert np.allclose(said[0], network(pixels).numpy(), atol=1e-3)
    assert np.corrcoef(said[0].ravel(), said[1].ravel())[0, 1] > 0.98


def test_a_side_that_is_no_multiple_of_32_is_refused() -> None:
    with pytest.raises(Fatal, match="multiples of 32"):
        begun()(torch.randn(1, 3, 100, 100))


def test_attention_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="1280 wide"):
        Spec(attention=Attention(width=640, heads=4, hidden=64, blocks=1))


def test_a_training_batch_may_skip_what_is_only_added() -> None:
    network = begun().train()
    added = [
        block
        for block in network.trunk.blocks
        if isinstance(block, InvertedResidual) and block.inputs == block.outputs and block.stride == 1
    ]
    assert len(added) == sum(stage[-1] - 1 for stage in STAGES)
    added[-1].drop_path = 1.0
    features = torch.randn(2, added[-1].inputs, 4, 4)
    assert torch.equal(added[-1](features), features)
