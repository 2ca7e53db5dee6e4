"""Ratios are formed within a round, from entries that all ran in it."""

import time
from io import StringIO

import pytest

pytest.importorskip("torch", reason="benchmarks need torch: pip install 'evenscreen[train]'")

import torch
from rich.console import Console

from evenscreen.compression import bench as benching
from evenscreen.compression.bench import Entry, Report, bench, bench_table, eager_entry, latencies, onnx_entry
from evenscreen.compression.yardstick import MACS, SIDE, ResNet50

from .exported import SPEC, exported


class Machine:
    """A clock that only entries move; every round of it is slower than the one before."""

    def __init__(self, entries: int) -> None:
        self.now, self.calls, self._entries = 0.0, [], entries

    def entry(self, name: str, seconds: float, macs: int | None = None) -> Entry:
        def run() -> None:
            self.calls.append(name)
            self.now += seconds * (1 + (len(self.calls) - 1) // (self._entries * 3))

        return Entry(name, lambda _batch, _threads: run, macs)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> tuple[Report, Machine]:
    machine = Machine(entries=3)
    monkeypatch.setitem(benching.CLOCKS, "wall", lambda: machine.now)
    entries = [
        machine.entry("parent", 0.4, 2_000_000_000),
        machine.entry("child", 0.1, 1_000_000_000),
        machine.entry("ruler", 0.5, 10_000_000_000),
    ]
    found = bench(
        entries,
        ("parent", "ruler"),
        "ruler",
        batches=(1,),
        threads=(1,),
        rounds=5,
        repeats=2,
        rest_s=0,
        seed=4,
    )
    return found, machine


def test_ratios_do_not_see_a_machine_that_slows_down(report: tuple[Report, Machine]) -> None:
    parent, child, ruler = report[0].timings
    own, faster = parent.times_as_fast["parent"], child.times_as_fast["parent"]
    assert own.median == own.upper == pytest.approx(1)
    assert faster.median == pytest.approx(4, rel=0.01)
    assert faster.lower == pytest.approx(faster.upper, rel=0.01)
    assert child.times_as_fast["ruler"].median == pytest.approx(5, rel=0.01)
    assert child.batch_ms > 100, "the median round was slower than the first"
    assert ruler.cost_to_yardstick is not None
    assert ruler.cost_to_yardstick.median == pytest.approx(1)
    assert child.cost_to_yardstick is not None
    assert child.cost_to_yardstick.median == pytest.approx(0.1 / 0.05, rel=0.01)


def test_every_entry_runs_once_per_round_in_changing_order(report: tuple[Report, Machine]) -> None:
    calls = report[1].calls
    rounds = [tuple(calls[at : at + 9 : 3]) for at in range(0, len(calls), 9)]
    assert len(calls) == 5 * 3 * 3
    assert all(sorted(order) == ["child", "parent", "ruler"] for order in rounds)
    assert len(set(rounds)) > 1


def test_no_entry_meets_the_spinning_threads_of_the_one_before() -> None:
    spins_s, spinning_until, met = 0.02, 0.0, []

    def run() -> None:
        nonlocal spinning_until
        met.append(time.monotonic() < spinning_until and len(met) % 2 == 0)
        spinning_until = time.monotonic() + spins_s

    entries = [Entry(name, lambda _batch, _threads: run) for name in ("one", "other")]
    bench(entries, ("one",), batches=(1,), threads=(2,), rounds=3, repeats=1, rest_s=2 * spins_s)
    assert len(met) == 2 * 3 * 2, "each time one call to warm up and a timed one"
    assert not any(met)


def test_a_report_survives_json_and_prints(report: tuple[Report, Machine]) -> None:
    found = report[0]
    assert Report.model_validate_json(found.model_dump_json()) == found
    console = Console(width=200, file=StringIO())
    console.print(bench_table(found))
    assert "4.00 (4.00–4.00)" in console.file.getvalue()


def test_an_entry_without_macs_has_no_price_per_mac() -> None:
    machine = Machine(entries=1)
    found = bench([machine.entry("only", 1.0)], ("only",), rounds=2, repeats=1, rest_s=0)
    assert all((each.ms_per_gmac, each.cost_to_yardstick) == (None, None) for each in found.timings)
    assert [(each.batch, each.threads) for each in found.timings] == [(1, 1), (8, 1), (1, 2), (8, 2)]


def test_files_and_networks_are_timed_side_by_side_and_threads_put_back() -> None:
    before = torch.get_num_threads()
    entries = [
        eager_entry("eager", exported().serving, SPEC),
        onnx_entry("fp32", exported().path),
    ]
    found = bench(entries, ("eager",), rounds=2, repeats=1, clock="cpu", rest_s=0)
    assert {each.name for each in found.timings} == {"eager", "fp32"}
    assert all(each.batch_ms >= 0 for each in found.timings)
    assert torch.get_num_threads() == before


def test_latencies_cover_both_batch_sizes_and_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benching, "ROUNDS", 1)
    monkeypatch.setattr(benching, "REPEATS", 2)
    entries = latencies(exported().path, SPEC)
    assert [(entry.batch, entry.threads) for entry in entries] == [(1, 1), (8, 1), (1, 2), (8, 2)]
    assert all(entry.median_ms > 0 for entry in entries)


def test_the_yardstick_is_the_resnet_50_that_everybody_means() -> None:
    network = ResNet50()
    assert sum(weight.numel() for weight in network.parameters()) == 25_557_032
    layers = pytest.importorskip("evenscreen.compression.layers")
    assert layers.macs(network, SIDE) == MACS
