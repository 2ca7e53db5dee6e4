"""Runs of the bare loop in processes of its own, and what they measured."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from child import clean_environment
from steady import CpuTrace, Steady, window

PROGRAM = Path(__file__).with_name("bare.py")


def run_bare(
    keys: Sequence[str], environment: Mapping[str, str], *, processes: int, batch: int, per_s: float = 0.0
) -> Steady:
    """Screen `keys`, shared among `processes` bare loops that begin together; their steady middle."""
    with tempfile.TemporaryDirectory() as folder:
        loops = [
            _start(keys[i::processes], environment, batch, per_s, Path(folder) / f"{i}.json")
            for i in range(processes)
        ]
        for loop in loops:
            assert loop.stdout is not None
            if loop.stdout.readline() != "ready\n":
                raise RuntimeError("a bare loop did not start; its error stands above")
        for loop in loops:
            assert loop.stdin is not None
            loop.stdin.write("go\n")
            loop.stdin.flush()
        timelines = [json.loads(loop.communicate()[0]) for loop in loops]
    return _steady(timelines)


def _start(
    keys: Sequence[str], environment: Mapping[str, str], batch: int, per_s: float, file: Path
) -> "subprocess.Popen[str]":
    file.write_text(json.dumps(keys))
    return subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM), str(file), str(batch), str(per_s)],
        env=clean_environment(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def _steady(timelines: Sequence[Sequence[tuple[float, float, int]]]) -> Steady:
    begin, end, images = window([at for line in timelines for at, _, count in line for _ in range(count)])
    cpu_s = sum(
        CpuTrace([at for at, _, _ in line], [used for _, used, _ in line]).between(begin, end)
        for line in timelines
    )
    return Steady(images / (end - begin), 1000 * cpu_s / images)
