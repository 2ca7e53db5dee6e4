"""What a figure was measured on, in words that identify nobody."""

import os
import platform
import sys
from pathlib import Path

FEATURES = {"amx_int8": "AMX-INT8", "avx512_vnni": "AVX512-VNNI", "avx_vnni": "AVX-VNNI", "avx2": "AVX2"}
"""What decides the speed of INT8 on x86, best first, as /proc/cpuinfo calls it."""


def machine() -> str:
    """This machine: its cores and the instructions that matter to what runs on a CPU."""
    cores = f"{os.cpu_count()} cores"
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    best = next((name for flag, name in FEATURES.items() if flag in flags), platform.machine())
    return f"{cores}, {best}"


def machine_and_accelerator() -> str:
    """The same, and the GPU that PyTorch uses; none where it is not loaded, since then nothing used it."""
    torch = sys.modules.get("torch")
    gpu = f", {torch.cuda.get_device_name()}" if torch and torch.cuda.is_available() else ""
    return f"{machine()}{gpu}"
