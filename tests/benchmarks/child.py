"""Processes of ours, started as an operator would start them, and watched from outside."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import psutil
from steady import CpuTrace

from evenscreen.infra.local import child

SAMPLE_S = 0.2


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of evenscreen but the model, and `given`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVENSCREEN_") or name == "EVENSCREEN_MODEL"
    }
    return {**kept, **given}


class Child(child.Child):
    """A process whose log, one JSON object per line, stays readable while it runs."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        super().__init__(arguments, clean_environment(environment), log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """`RuntimeError` when the process has ended by itself."""
        if not self.alive:
            raise RuntimeError(f"a process ended by itself:\n{self.log.read_text()[-2000:]}")

    def said(self, event: str) -> dict[str, float]:
        """When (seconds since 1970) the process first said `event` of each screening, by screening_id."""
        times: dict[str, float] = {}
        for line in self.log.read_text().splitlines():
            if event in line:
                entry = json.loads(line)
                times.setdefault(
                    str(entry["screening_id"]), datetime.fromisoformat(entry["timestamp"]).timestamp()
                )
        return times

    def rss_mb(self) -> float:
        """Resident memory now, in MB (10^6 bytes)."""
        return psutil.Process(self.pid).memory_info().rss / 1e6


class _Meter:
    """CPU seconds of processes so far; one that ends (a database's own helpers do) keeps what it had used."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._used = dict.fromkeys(pids, 0.0)
        self._processes = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._processes.append(psutil.Process(pid))

    def read(self) -> float:
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                self._used[process.pid] = times.user + times.system
        return sum(self._used.values())


@contextlib.contextmanager
def traced(groups: Mapping[str, Sequence[int]]) -> Iterator[dict[str, CpuTrace]]:
    """Samples the CPU seconds of groups of processes (name → pids) while the block runs."""
    meters = {name: _Meter(pids) for name, pids in groups.items()}
    traces = {name: CpuTrace() for name in groups}
    done = threading.Event()

    def sample() -> None:
        for name, meter in meters.items():
            traces[name].times.append(time.time())
            traces[name].cpu_s.append(meter.read())

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            sample()

    watcher = threading.Thread(target=watch, daemon=True)
    sample()
    watcher.start()
    try:
        yield traces
    finally:
        done.set()
        watcher.join()
        sample()
