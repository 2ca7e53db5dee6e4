"""Processes of ours, started as an operator would start them, and watched from outside."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import psutil
from steady import CpuTrace

from evenscreen.infra.local.ports import free_port

READY_S = 60.0
SAMPLE_S = 0.2
COMMAND = (sys.executable, "-P", "-m", "evenscreen.infra.cli")


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of evenscreen but the model, and `given`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVENSCREEN_") or name == "EVENSCREEN_MODEL"
    }
    return {**kept, **given}


class Child:
    """One `evenscreen …` process whose log, one JSON object per line, stays readable while it runs."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._port = free_port()
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*COMMAND, *arguments],
                env=clean_environment({**environment, "EVENSCREEN_HEALTH_PORT": str(self._port)}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_ready(self) -> None:
        """Return once /readyz says yes; `RuntimeError` when the process ended or took too long."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"a process did not become ready:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for a process that does not hear it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def check(self) -> None:
        """`RuntimeError` when the process has ended by itself."""
        if self._process.poll() is not None:
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
