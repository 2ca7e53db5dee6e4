"""Pruning: units are really gone, nothing else changes, and the target is met."""

import pytest

pytest.importorskip("torch", reason="pruning needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.networks.classifier import parameters
from evenscreen.compression.networks.hybrid import Hybrid
from evenscreen.compression.prune import prune_to, remove
from evenscreen.compression.recipe import Attention, Stage
from evenscreen.compression.recipe import Hybrid as Spec
from evenscreen.compression.units import Importance, units
from evenscreen.schemas.errors import Fatal

SIDE = 64
SPEC = Spec(
    stem=16,
    stages=(Stage(width=32, blocks=1), Stage(width=64, blocks=2)),
    attention=Attention(width=64, heads=8, hidden=512, blocks=2),
    drop_path=0.5,
)


def make_network() -> Hybrid:
    """As after training: every number of a norm differs, so that a mixed-up channel shows."""
    torch.manual_seed(5)
    network = Hybrid(SPEC, 3)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.uniform_(0.5, 1.5)
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.2)
            if module.bias is not None:
                torch.nn.init.normal_(module.bias)
    return network.eval()


def random_importance(network: Hybrid) -> Importance:
    return {name: torch.rand(layer.count) for name, layer in units(network).items()}


@pytest.mark.parametrize("gone", [0.1, 0.25, 0.4, 0.55])
def test_parameters_fall_to_the_target_and_hardly_below(gone: float) -> None:
    network = make_network()
    target = round(parameters(network) * (1 - gone))
    prune_to(network, target, random_importance(network), 16, SIDE)
    assert 0.98 * target < parameters(network) <= target


def test_layers_keep_multiples_of_sixteen_or_whole_heads_and_blocks_their_width() -> None:
    network = make_network()
    before = {name: layer.reader.weight.shape[0] for name, layer in units(network).items()}
    prune_to(network, round(parameters(network) * 0.45), random_importance(network), 16, SIDE)
    for name, layer in units(network).items():
        assert layer.reader.weight.shape[0] == before[name]
        assert layer.count >= 1 if layer.kind == "heads" else layer.count >= 16 and layer.count % 16 == 0
    for block in network.blocks:
        assert block.attention.query.out_features == block.attention.heads * block.attention.head_width


@pytest.mark.parametrize("layer", ["stages.2", "blocks.1.attention", "blocks.0.perceptron"])
def test_removing_units_equals_zeroing_what_reads_them(layer: str) -> None:
    """Also behind BatchNorm, where a channel of zeros would still pass on its offset."""
    network, gone = make_network(), torch.tensor([2, 0])
    images = torch.randn(3, 3, SIDE, SIDE)
    size, weight = units(network)[layer].size, units(network)[layer].reader.weight
    columns = [unit * size + row for unit in gone for row in range(size)]
    with torch.no_grad():
        weight[:, columns] *= 30
        whole = network(images)
        weight[:, columns] = 0
        zeroed, before = network(images), parameters(network)
        remove(network, {layer: gone}, SIDE)
        assert torch.allclose(network(images), zeroed, atol=1e-5)
    assert (whole - zeroed).abs().max() > 1e-3
    assert parameters(network) == before - 2 * units(make_network())[layer].parameters


def test_the_least_important_go() -> None:
    network = make_network()
    importance = {name: torch.ones(layer.count) for name, layer in units(network).items()}
    importance["blocks.0.perceptron"][5:21] = 0.0
    kept = torch.cat(
        [network.blocks[0].perceptron[0].weight[:5], network.blocks[0].perceptron[0].weight[21:]]
    )
    prune_to(network, parameters(network) - 16 * (64 + 1 + 64), importance, 16, SIDE)
    assert torch.equal(network.blocks[0].perceptron[0].weight, kept)


@pytest.mark.parametrize("factor", [1.0, 1e3])
def test_kinds_do_not_compete_with_each_other(factor: float) -> None:
    spec = SPEC.model_copy(update={"attention": Attention(width=64, heads=8, hidden=4096, blocks=2)})
    network = Hybrid(spec, 3)
    layers = units(network)
    before = {name: layer.count for name, layer in layers.items()}
    importance = {
        name: (values + 1) * (factor if layers[name].kind == "heads" else 1.0)
        for name, values in random_importance(network).items()
    }
    prune_to(network, round(parameters(network) * 0.7), importance, 16, SIDE)
    shrunk = {layer.kind for name, layer in units(network).items() if layer.count < before[name]}
    assert {"hidden", "heads"} <= shrunk


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_layer_collapses_however_little_it_seems_to_matter(sign: float) -> None:
    """In several calls; an even share would leave this layer about 310 of its 512 units, no guard 16."""
    network = make_network()
    whole = parameters(network)
    for share in (0.93, 0.86, 0.79, 0.72, 0.65):
        scores = {name: values.mul(sign) for name, values in random_importance(network).items()}
        scores["blocks.1.perceptron"] = scores["blocks.1.perceptron"] * 1e-6 - 1e-3
        prune_to(network, round(whole * share), scores, 16, SIDE)
    assert units(network)["blocks.1.perceptron"].count >= 192


def test_a_pruned_network_answers_at_any_side_and_batch_and_still_learns() -> None:
    network = make_network()
    prune_to(network.train(), round(parameters(network) * 0.5), random_importance(network), 16, SIDE)
    assert network.training
    for n, side in ((1, 32), (2, 64), (5, 96)):
        assert network(torch.randn(n, 3, side, side)).shape == (n, 3)
    network.eval()(torch.randn(2, 3, SIDE, SIDE)).sum().backward()
    for parameter in network.parameters():
        assert parameter.requires_grad
        assert parameter.grad is not None
        assert parameter.grad.shape == parameter.shape


def test_a_target_that_is_met_already_changes_nothing() -> None:
    network = make_network()
    before = [tensor.clone() for tensor in network.state_dict().values()]
    prune_to(network, parameters(network), random_importance(network), 16, SIDE)
    assert all(map(torch.equal, before, network.state_dict().values()))


def test_a_target_out_of_reach_is_refused_before_anything_goes() -> None:
    network = make_network()
    before = parameters(network)
    with pytest.raises(Fatal, match="parameters of this network stay"):
        prune_to(network, before // 20, random_importance(network), 16, SIDE)
    assert parameters(network) == before


def test_a_network_where_more_than_the_layer_would_shrink_is_refused() -> None:
    """Here a second reader of the same channels, which nobody declared."""

    class Tapped(Hybrid):
        def __init__(self, spec: Spec, classes: int) -> None:
            super().__init__(spec, classes)
            self.tap = torch.nn.Conv2d(32, 16, 1)
            self.stages[2].inner.register_forward_hook(self._listen)

        def _listen(self, _module: object, _inputs: object, output: torch.Tensor) -> None:
            self.heard = self.tap(output).mean()

        def positions(self, images: torch.Tensor) -> torch.Tensor:
            return super().positions(images) + self.heard

    network = Tapped(SPEC, 3)
    with pytest.raises(Fatal, match="would change other layers"):
        remove(network, {"stages.2": torch.tensor([0])}, SIDE)
    assert network.tap.in_channels == 32
