"""How long one batch takes in the model itself, decoding and preprocessing left out.

Other work on a machine only ever adds time, and adds it unevenly: what is compared runs in the same rounds,
each entry once per round in a changing order, and ratios are formed within a round.

Idle threads of ONNX Runtime and of PyTorch's OpenMP spin for some tens of milliseconds before they sleep, and
meanwhile take a core from whatever runs next: with two threads on two cores the shipped file then took 15 ms
instead of 7. So every entry is preceded by a rest.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from evenscreen.compression.evaluate import session
from evenscreen.compression.export import INPUT, OUTPUT, Serving
from evenscreen.compression.machine import machine
from evenscreen.compression.progress import counted
from evenscreen.schemas.manifest import Latency, Preprocessing

ROUNDS = 8
REPEATS = 30
REST_S = 0.2
"""Until the threads of the entry before sleep: after 0.1 s nothing was left to see of them."""

Run = Callable[[], object]
Clock = Literal["wall", "cpu"]
"""cpu counts what all threads of this process worked: the better one while others use the machine."""
CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Entry:
    """Something to time: `prepare(batch, threads)` gives what one timed call runs."""

    name: str
    prepare: Callable[[int, int], Run]
    macs: int | None = None
    """Multiplications with accumulation for one image."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(Part):
    """Median and quartiles over rounds."""

    median: float
    lower: float
    upper: float


class Timing(Part):
    """One entry at one batch size and number of threads."""

    name: str
    batch: int
    threads: int
    batch_ms: float
    """Median over rounds of the median within a round."""
    times_as_fast: dict[str, Spread]
    """As each reference, in the same round."""
    ms_per_gmac: float | None
    """Per image and 10^9 multiplications."""
    cost_to_yardstick: Spread | None
    """ms_per_gmac over that of the yardstick, in the same round."""


class Report(Part):
    references: tuple[str, ...]
    yardstick: str | None
    rounds: int
    repeats: int
    clock: Clock
    machine: str
    timings: tuple[Timing, ...]


def onnx_entry(name: str, path: Path, macs: int | None = None) -> Entry:
    """The file at `path` in ONNX Runtime."""

    def prepare(batch: int, threads: int) -> Run:
        model = session(path, threads)
        _, height, width, _ = model.get_inputs()[0].shape
        feed = {INPUT: _noise(batch, height, width)}
        return lambda: model.run([OUTPUT], feed)

    return Entry(name, prepare, macs)


def eager_entry(name: str, network: Serving, spec: Preprocessing, macs: int | None = None) -> Entry:
    """`network` in PyTorch, as it is."""

    def prepare(batch: int, threads: int) -> Run:
        images = torch.from_numpy(_noise(batch, spec.height, spec.width))

        @torch.inference_mode()
        def run() -> object:
            torch.set_num_threads(threads)
            return network(images)

        return run

    network.eval()
    return Entry(name, prepare, macs)


def bench(
    entries: Sequence[Entry],
    references: Sequence[str],
    yardstick: str | None = None,
    *,
    batches: Sequence[int] = (1, 8),
    threads: Sequence[int] = (1, 2),
    rounds: int = ROUNDS,
    repeats: int = 5,
    clock: Clock = "wall",
    rest_s: float = REST_S,
    seed: int = 0,
) -> Report:
    """Time `entries` in `rounds` rounds at every batch size and number of threads.

    In a round every entry has a rest of `rest_s` and one call to warm up, then `repeats` timed ones, of which
    the median counts.
    `references` and `yardstick` name entries; the yardstick has MACs. The number of threads is put back.
    """
    before = torch.get_num_threads()
    settings = [(batch, count) for count in threads for batch in batches]
    timings: list[Timing] = []
    random = np.random.default_rng(seed)
    try:
        for batch, count in settings:
            runs = [entry.prepare(batch, count) for entry in entries]
            measured = np.empty((rounds, len(entries)))
            title = _title(batch, count)
            for number in counted(range(rounds), title, still=True):
                for index in random.permutation(len(entries)):
                    time.sleep(rest_s)
                    measured[number, index] = _median_ms(runs[index], repeats, CLOCKS[clock])
            timings += _timings(entries, measured, batch, count, references, yardstick)
    finally:
        torch.set_num_threads(before)
    return Report(
        references=tuple(references),
        yardstick=yardstick,
        rounds=rounds,
        repeats=repeats,
        clock=clock,
        machine=machine(),
        timings=tuple(timings),
    )


def bench_table(report: Report) -> Table:
    """One row per timing; ratios with their quartiles."""
    faster = [f"times as fast as {reference}" for reference in report.references]
    dearer = f"cost to {report.yardstick or '-'}"
    title = f"{report.clock} time, {report.machine}"
    table = Table("entry", "batch", "threads", "ms", *faster, "ms/GMAC", dearer, title=title)
    for timing in report.timings:
        table.add_row(
            timing.name,
            str(timing.batch),
            str(timing.threads),
            f"{timing.batch_ms:.2f}",
            *map(_words, timing.times_as_fast.values()),
            "-" if timing.ms_per_gmac is None else f"{timing.ms_per_gmac:.2f}",
            _words(timing.cost_to_yardstick),
        )
    return table


def latencies(path: Path, spec: Preprocessing) -> tuple[Latency, ...]:
    """Median milliseconds per batch of 1 and 8 images, with one thread and with two.

    The median is that of the least disturbed of eight rounds, since other work only ever adds time.
    """

    def least_ms(batch: int, threads: int) -> float:
        model = session(path, threads)
        feed = {INPUT: _noise(batch, spec.height, spec.width)}
        return min(
            _median_ms(lambda: model.run([OUTPUT], feed), REPEATS, time.perf_counter)
            for _ in counted(range(ROUNDS), _title(batch, threads), still=True)
        )

    return tuple(
        Latency(batch=batch, threads=threads, median_ms=round(least_ms(batch, threads), 3), machine=machine())
        for threads in (1, 2)
        for batch in (1, 8)
    )


def _title(batch: int, threads: int) -> str:
    return f"batch {batch}, {threads} thread{'s' * (threads > 1)}"


def _timings(
    entries: Sequence[Entry],
    measured: npt.NDArray[np.float64],
    batch: int,
    threads: int,
    references: Sequence[str],
    yardstick: str | None,
) -> list[Timing]:
    names = [entry.name for entry in entries]
    gmacs = np.array([entry.macs * batch * 1e-9 if entry.macs else np.nan for entry in entries])
    costs = measured / gmacs
    faster = {one: measured[:, [names.index(one)]] / measured for one in references}
    dearer = costs / costs[:, [names.index(yardstick)]] if yardstick else None
    return [
        Timing(
            name=entry.name,
            batch=batch,
            threads=threads,
            batch_ms=float(np.median(measured[:, index])),
            times_as_fast={one: _spread(ratios[:, index]) for one, ratios in faster.items()},
            ms_per_gmac=float(np.median(costs[:, index])) if entry.macs else None,
            cost_to_yardstick=None if dearer is None or not entry.macs else _spread(dearer[:, index]),
        )
        for index, entry in enumerate(entries)
    ]


def _spread(values: npt.NDArray[np.float64]) -> Spread:
    lower, middle, upper = np.percentile(values, [25, 50, 75])
    return Spread(median=float(middle), lower=float(lower), upper=float(upper))


def _words(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.median:.2f} ({spread.lower:.2f}–{spread.upper:.2f})"


def _median_ms(run: Run, repeats: int, clock: Callable[[], float]) -> float:
    def once_ms() -> float:
        began = clock()
        run()
        return 1_000 * (clock() - began)

    run()
    return median(once_ms() for _ in range(repeats))


def _noise(batch: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)
