"""How long one batch takes in the model itself, decoding and preprocessing left out."""

import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np

from evenscreen.compression.evaluate import session
from evenscreen.compression.export import INPUT, OUTPUT
from evenscreen.schemas.manifest import Latency, Preprocessing

FEATURES = {"amx_int8": "AMX-INT8", "avx512_vnni": "AVX512-VNNI", "avx_vnni": "AVX-VNNI", "avx2": "AVX2"}
"""What decides the speed of INT8 on x86, best first, as /proc/cpuinfo calls it."""


ROUNDS = 8
REPEATS = 30


def latencies(path: Path, spec: Preprocessing) -> tuple[Latency, ...]:
    """Median milliseconds per batch of 1 and 8 images, with one thread and with two.

    The median is that of the least disturbed of eight rounds, since other work only ever adds time.
    """
    return tuple(
        Latency(
            batch=batch,
            threads=threads,
            median_ms=round(_median_ms(path, spec, batch, threads), 3),
            machine=machine(),
        )
        for threads in (1, 2)
        for batch in (1, 8)
    )


def machine() -> str:
    """This machine in words that identify nobody: cores and the instructions that matter."""
    cores = f"{os.cpu_count()} cores"
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    best = next((name for flag, name in FEATURES.items() if flag in flags), platform.machine())
    return f"{cores}, {best}"


def _median_ms(path: Path, spec: Preprocessing, batch: int, threads: int) -> float:
    model = session(path, threads)
    images = np.random.default_rng(0).integers(0, 256, (batch, spec.height, spec.width, 3), np.uint8)

    def once_ms() -> float:
        began = time.perf_counter()
        model.run([OUTPUT], {INPUT: images})
        return 1_000 * (time.perf_counter() - began)

    once_ms()
    return min(statistics.median(once_ms() for _ in range(REPEATS)) for _ in range(ROUNDS))
