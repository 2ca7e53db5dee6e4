"""A pruned network as a file, and the report of where it lost what."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pruning needs torch: pip install 'evenscreen[train]'")

import torch
from pydantic import TypeAdapter
from rich.console import Console

from evenscreen.compression.layers import LayerRow, layer_report, layer_table, macs
from evenscreen.compression.networks.classifier import parameters
from evenscreen.compression.networks.hybrid import Hybrid
from evenscreen.compression.prune import prune_to
from evenscreen.compression.recipe import Attention, Stage
from evenscreen.compression.recipe import Hybrid as Spec
from evenscreen.compression.units import units
from evenscreen.compression.widths import load_pruned, save_pruned, widths
from evenscreen.schemas.errors import Fatal

SPEC = Spec(
    stem=16,
    stages=(Stage(width=32, blocks=1),),
    attention=Attention(width=64, heads=4, hidden=256, blocks=2),
    drop_path=0.25,
)


@pytest.fixture
def whole() -> Hybrid:
    torch.manual_seed(1)
    return Hybrid(SPEC, 3).eval()


@pytest.fixture
def pruned() -> Hybrid:
    torch.manual_seed(1)
    network = Hybrid(SPEC, 3).eval()
    importance = {name: torch.rand(layer.count) for name, layer in units(network).items()}
    prune_to(network, parameters(network) * 2 // 5, importance, 16, 32)
    return network


def test_a_pruned_file_is_smaller_and_answers_the_same(whole: Hybrid, pruned: Hybrid, tmp_path: Path) -> None:
    save_pruned(whole, SPEC, 3, tmp_path / "whole.pt")
    save_pruned(pruned, SPEC, 3, tmp_path / "pruned.pt")
    assert (tmp_path / "pruned.pt").stat().st_size < 0.5 * (tmp_path / "whole.pt").stat().st_size
    images = torch.randn(3, 3, 64, 64)
    for name, network in (("whole", whole), ("pruned", pruned)):
        loaded = load_pruned(tmp_path / f"{name}.pt")
        assert widths(loaded) == widths(network)
        assert torch.allclose(loaded(images), network(images), atol=1e-3), "half precision"
        assert not loaded.training
        assert loaded.blocks[1].drop_path == 0.25


def test_a_loaded_network_can_be_trained_and_pruned_further(pruned: Hybrid, tmp_path: Path) -> None:
    save_pruned(pruned, SPEC, 3, tmp_path / "pruned.pt")
    loaded = load_pruned(tmp_path / "pruned.pt")
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    importance = {name: torch.rand(layer.count) for name, layer in units(loaded).items()}
    prune_to(loaded, parameters(pruned) - 1, importance, 16, 32)
    assert parameters(loaded) < parameters(pruned)


def test_a_file_that_is_no_network_is_a_sentence(pruned: Hybrid, tmp_path: Path) -> None:
    path = tmp_path / "pruned.pt"
    with pytest.raises(Fatal, match=r"no pruned\.pt"):
        load_pruned(path)
    save_pruned(pruned, SPEC, 3, path)
    good = path.read_bytes()
    for bad in (b"", b"not a network", good[: len(good) // 2]):
        path.write_bytes(bad)
        with pytest.raises(Fatal, match="holds no network"):
            load_pruned(path)
    torch.save({"weights": {}}, path)
    with pytest.raises(Fatal, match="holds no network"):
        load_pruned(path)


def test_the_report_adds_up_to_the_whole_network(whole: Hybrid, pruned: Hybrid) -> None:
    rows = layer_report(whole, pruned, 64)
    assert sum(row.parameters_before for row in rows) == parameters(whole)
    assert sum(row.parameters_after for row in rows) == parameters(pruned)
    assert sum(row.macs_before for row in rows) == macs(whole, 64)
    assert sum(row.macs_after for row in rows) == macs(pruned, 64) < macs(whole, 64)
    heads = next(row for row in rows if row.name == "blocks.0.attention")
    assert (heads.kind, heads.width_before) == ("heads", 4)
    assert {row.name: row.width_after for row in rows}.items() >= widths(pruned).items()


def test_the_report_is_a_table_and_json(whole: Hybrid, pruned: Hybrid) -> None:
    rows = layer_report(whole, pruned, 64)
    console = Console(width=140)
    with console.capture() as capture:
        console.print(layer_table(rows))
    assert f"{parameters(whole):,} → {parameters(pruned):,}" in capture.get()
    adapter = TypeAdapter(list[LayerRow])
    assert adapter.validate_json(adapter.dump_json(rows)) == rows


def test_macs_are_those_counted_by_hand(whole: Hybrid) -> None:
    """At 64 pixels: stem to 32, stage to 16, embedding to 8 x 8 = 64 positions."""
    stem = 16 * 3 * 9 * 32**2
    stage = 32 * 16 * 9 * 16**2 + 2 * 32 * 32 * 9 * 16**2
    embedding = 64 * 32 * 9 * 64
    attention = 4 * 64 * 64 * 64 + 2 * 64 * 64 * 64
    perceptron = 2 * 64 * 256 * 64
    assert macs(whole, 64) == stem + stage + embedding + 2 * (attention + perceptron) + 3 * 64
