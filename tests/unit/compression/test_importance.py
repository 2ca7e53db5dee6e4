"""Importance: what one group alone needs stays, what causes the gap goes or does not, both ways round."""

import copy
from collections.abc import Sequence

import pytest

pytest.importorskip("torch", reason="pruning needs torch: pip install 'evenscreen[train]'")

import torch
from torch import Tensor

from evenscreen.compression.importance import GroupSample, Method, effect, gap_penalty, importances
from evenscreen.compression.networks.classifier import Classifier, normalise, parameters
from evenscreen.compression.networks.hybrid import Hybrid, Residual
from evenscreen.compression.prune import prune_to
from evenscreen.compression.recipe import Attention, Stage
from evenscreen.compression.recipe import Hybrid as Spec
from evenscreen.compression.units import units
from evenscreen.schemas.errors import Fatal

RED, GREEN, BLUE = 0, 1, 2
MALIGNANT = (1,)


class Hand(Classifier):
    """Benign against malignant, from colours; channel i reads colours[i] and says malignant.

    `inner` and `outer` are the channels' weights before and after; their product is what a channel says.
    """

    def __init__(self, colours: Sequence[int], inner: Sequence[float], outer: Sequence[float]) -> None:
        super().__init__(3, 2, 0.0)
        self.block = Residual(3, len(colours))
        with torch.no_grad():
            for parameter in (self.block.inner[0].weight, self.block.outer[0].weight, self.head.weight):
                parameter.zero_()
            for index, (colour, into, out) in enumerate(zip(colours, inner, outer, strict=True)):
                self.block.inner[0].weight[index, colour, 1, 1] = into
                self.block.outer[0].weight[BLUE, index, 1, 1] = out
            self.head.weight[1, BLUE] = 1
            self.head.bias.copy_(torch.tensor([0.0, -3.0]))

    def positions(self, images: Tensor) -> Tensor:
        return self.block(images).flatten(2).transpose(1, 2)


def group(n: int, malignant_shows: Sequence[int], benign_shows: Sequence[int] = ()) -> GroupSample:
    """n malignant and n benign images; a colour that shows is at 255, red and green are 128 otherwise."""
    images = torch.full((2 * n, 3, 4, 4), 128, dtype=torch.uint8)
    images[:, BLUE] = 255
    images[:n, list(malignant_shows)] = 255
    images[n:, list(benign_shows)] = 255
    return GroupSample(images, torch.arange(2 * n) < n)


def scores(network: Classifier, groups: dict[str, GroupSample], method: Method, **how: float) -> Tensor:
    return importances(network, groups, method, MALIGNANT, **how)["block"]


def pruned(network: Hand, groups: dict[str, GroupSample], method: Method, keep: int, **how: float) -> Hand:
    """A copy of which all but `keep` channels were removed."""
    smaller = copy.deepcopy(network)
    layer = units(smaller)["block"]
    gone = (layer.count - keep) * layer.parameters
    importance = importances(smaller, groups, method, MALIGNANT, **how)
    prune_to(smaller, parameters(smaller) - gone, importance, round_to=1, example_side=4)
    return smaller


def read(network: Hand) -> list[int]:
    """The colour that each channel reads, of a network whose channels read one each."""
    weights = network.block.inner[0].weight[:, :, 1, 1]
    assert ((weights != 0).sum(1) == 1).all()
    return weights.argmax(1).tolist()


def lost(network: Hand, sample: GroupSample) -> float:
    return effect(network, sample, MALIGNANT, "any").loss


@pytest.fixture(params=[RED, GREEN], ids=["red", "green"])
def minority(request: pytest.FixtureRequest) -> tuple[Hand, dict[str, GroupSample]]:
    """Two large channels serve the many; the last, small, alone serves the few, who show another colour."""
    few, many = request.param, GREEN if request.param == RED else RED
    network = Hand([many, many, few], inner=[2, 2, 0.7], outer=[0.25, 0.25, 0.7])
    return network, {"many": group(40, [many]), "few": group(4, [few])}


@pytest.mark.parametrize("method", ["fairprune", "fisher_max", "penalised"])
def test_a_small_channel_that_a_minority_needs_goes_by_magnitude_and_stays_otherwise(
    minority: tuple[Hand, dict[str, GroupSample]], method: Method
) -> None:
    network, groups = minority
    many, _, few = read(network)
    without = pruned(network, groups, "magnitude", keep=2)
    assert read(without) == [many, many]
    within = pruned(network, groups, method, keep=2)
    assert read(within) == [many, few]
    assert lost(within, groups["few"]) == pytest.approx(lost(network, groups["few"]), rel=0.01)
    assert lost(without, groups["few"]) > 1.5 * lost(within, groups["few"])
    assert read(pruned(network, groups, method, keep=1)) == [few]


def test_fairprune_gives_up_first_what_only_the_privileged_need(
    minority: tuple[Hand, dict[str, GroupSample]],
) -> None:
    saliency = scores(*minority, "fairprune")
    assert saliency[0] < 0 < saliency[2]


def test_who_is_unprivileged_is_measured_and_not_read_off_names_or_order(
    minority: tuple[Hand, dict[str, GroupSample]],
) -> None:
    network, groups = minority
    renamed = {"b": groups["few"], "a": groups["many"]}
    for method in ("fairprune", "penalised", "fisher_max"):
        assert torch.allclose(scores(network, groups, method), scores(network, renamed, method))
    # The same groups under a network that serves the few better: now the others are unprivileged.
    with torch.no_grad():
        network.block.outer[0].weight[BLUE, :, 1, 1] = torch.tensor([0.1, 0.1, 3.0])
    assert scores(network, groups, "fairprune")[0] > 0 > scores(network, groups, "fairprune")[2]


def with_shortcut(colour: int, strength: float) -> tuple[Hand, dict[str, GroupSample]]:
    """The first channel is a shortcut: its `colour` means malignant in the many, benign in the few.

    The other two, of strength 1, read the disease, which all show.
    """
    disease = GREEN if colour == RED else RED
    weights = [strength, 1, 1]
    network = Hand([colour, disease, disease], inner=weights, outer=weights)
    return network, {"many": group(40, [disease, colour]), "few": group(4, [disease], [colour])}


@pytest.mark.parametrize("colour", [RED, GREEN])
def test_a_shortcut_that_misleads_one_group_goes_when_penalised(colour: int) -> None:
    """Magnitude times sensitivity alone would give up a channel that reads the disease."""
    network, groups = with_shortcut(colour, 0.7)
    assert colour in read(pruned(network, groups, "penalised", keep=2, penalty_weight=0.0))
    fairer = pruned(network, groups, "penalised", keep=2)
    assert colour not in read(fairer)
    assert lost(fairer, groups["few"]) < 0.6 * lost(network, groups["few"])


@pytest.mark.parametrize("colour", [RED, GREEN])
def test_a_stronger_shortcut_survives_the_usual_penalty_and_goes_by_the_full_one(colour: int) -> None:
    """The usual weight halves a score at most: what matters twice as much as anything else stays."""
    network, groups = with_shortcut(colour, 1.0)
    assert colour in read(pruned(network, groups, "penalised", keep=2))
    assert colour not in read(pruned(network, groups, "penalised", keep=2, penalty_weight=1.0))


@pytest.mark.parametrize("colour", [RED, GREEN])
@pytest.mark.parametrize("strength", [0.7, 1.0])
@pytest.mark.parametrize("method", ["fairprune", "fisher_max"])
def test_fisher_information_keeps_a_shortcut_to_the_last(
    method: Method, strength: float, colour: int
) -> None:
    """A limit, not an aim: what misleads a group has large gradients there, as has what that group needs."""
    network, groups = with_shortcut(colour, strength)
    left = pruned(network, groups, method, keep=1)
    assert read(left) == [colour]
    assert lost(left, groups["few"]) > lost(network, groups["few"])


def test_the_penalty_is_high_for_what_causes_the_gap_and_nil_for_what_closes_it() -> None:
    shortcut = Hand([RED, GREEN], inner=[1, 1], outer=[1, 1])
    misled, served = group(8, [GREEN], [RED]), group(8, [GREEN, RED])
    assert penalty(shortcut, misled, served)[0] == 1
    helper = Hand([RED, GREEN], inner=[1, 1], outer=[0.5, 1])
    helped, other = group(8, [RED]), group(8, [GREEN])
    assert penalty(helper, helped, other)[0] == 0


def penalty(network: Hand, worst: GroupSample, other: GroupSample) -> Tensor:
    its, theirs = effect(network, worst, MALIGNANT, "worst"), effect(network, other, MALIGNANT, "other")
    assert its.loss > theirs.loss
    return gap_penalty(its, [theirs], "block")


@pytest.mark.parametrize("method", ["fairprune", "fisher_max", "penalised"])
def test_a_large_group_does_not_outvote_a_small_one(method: Method) -> None:
    network = Hand([RED, GREEN], inner=[1, 1], outer=[1, 0.8])
    even = scores(network, {"a": group(8, [RED]), "b": group(8, [GREEN])}, method)
    skewed = scores(network, {"a": group(80, [RED]), "b": group(2, [GREEN])}, method)
    assert torch.allclose(even, skewed, rtol=1e-4)


def test_what_one_easy_group_needs_stays_however_many_groups_do_not() -> None:
    """The last group's answers are sure and its gradients small: a plain mean or maximum would miss it."""
    network = Hand([RED, RED, GREEN], inner=[1, 1, 1], outer=[0.5, 0.5, 3])
    groups = {name: group(8, [RED]) for name in ("I", "II", "III")} | {"VI": group(8, [GREEN])}
    losses = {name: effect(network, sample, MALIGNANT, name).loss for name, sample in groups.items()}
    assert min(losses, key=losses.__getitem__) == "VI"
    assert scores(network, groups, "fisher_max").argmax() == 2


@pytest.mark.parametrize("binary", [True, False], ids=["malignant", "labels"])
def test_slopes_are_what_scaling_a_unit_does_to_the_loss(binary: bool) -> None:
    """By central differences, for channels, heads and hidden units, over more than one batch."""
    torch.manual_seed(3)
    deep = Attention(width=32, heads=4, hidden=48, blocks=1)
    network = Hybrid(Spec(stem=16, stages=(Stage(width=16, blocks=1),), attention=deep), 3).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.2)
    truth = torch.randint(0, 3, (40,))
    sample = GroupSample(
        torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8), truth == 1 if binary else truth
    )
    measured = effect(network, sample, MALIGNANT, "all")
    assert measured.loss == pytest.approx(loss(network, sample), rel=1e-5)
    assert {layer.kind for layer in units(network).values()} == {"channels", "heads", "hidden"}
    for name, layer in units(network).items():
        unit = int(measured.slope[name].abs().argmax())
        columns = slice(unit * layer.size, (unit + 1) * layer.size)
        weights, losses = layer.reader.weight.detach().clone(), []
        for scale in (0.98, 1.02):
            with torch.no_grad():
                layer.reader.weight[:, columns] = weights[:, columns] * scale
                losses.append(loss(network, sample))
                layer.reader.weight.copy_(weights)
        assert float(measured.slope[name][unit]) == pytest.approx((losses[1] - losses[0]) / 0.04, rel=0.03)


def loss(network: Classifier, sample: GroupSample) -> float:
    """Written another way than in the code: probabilities, classes balanced where they are two."""
    with torch.no_grad():
        chances = torch.softmax(network(normalise(sample.images.float())).double(), 1)
    if not sample.binary:
        return float(-chances[torch.arange(len(chances)), sample.truth].log().mean())
    malignant = chances[:, 1]
    parts = (malignant[sample.truth].log().mean(), (1 - malignant[~sample.truth]).log().mean())
    return float(-sum(parts) / 2)


def test_measuring_leaves_the_network_as_it_was(minority: tuple[Hand, dict[str, GroupSample]]) -> None:
    network, groups = minority
    before = {name: tensor.clone() for name, tensor in network.train().state_dict().items()}
    first, again = (scores(network, groups, "fisher_max") for _ in range(2))
    assert network.training
    assert torch.equal(first, again)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_group_without_images_is_refused_by_name() -> None:
    network = Hand([RED], [1], [1])
    groups = {"I": group(2, [RED]), "VI": group(0, [RED])}
    with pytest.raises(Fatal, match="Group 'VI' has no images"):
        importances(network, groups, "fisher_max", MALIGNANT)


def test_a_gap_needs_two_groups_of_a_kind() -> None:
    network = Hand([RED], [1], [1])
    labelled = group(2, [RED])
    groups = {"I": labelled, "tone": GroupSample(labelled.images, labelled.truth.long())}
    with pytest.raises(Fatal, match="no other group of its kind"):
        importances(network, groups, "fairprune", MALIGNANT)
    with pytest.raises(Fatal, match="none were given"):
        importances(network, {}, "fisher_max", MALIGNANT)
