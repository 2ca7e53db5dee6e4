"""What the figures were measured on, without a word about whose machine it is."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

LIBRARIES = ("faust-streaming", "kafka-python", "numpy", "onnxruntime", "pillow", "psycopg2-binary", "boto3")
TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
BUSY_SHARE = 0.15
"""A machine with more of its cores in use before the run is not quiet."""


def describe() -> dict[str, str]:
    """Name and value of everything about this machine that moves the figures."""
    cores = psutil.cpu_count() or 1
    busy = psutil.cpu_percent(interval=2.0) / 100
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": str(cores),
        "instructions": ", ".join(flag for flag in TELLING_FLAGS if flag in _flags()) or "unknown",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "busy before the run": f"{busy:.0%}" + (" (not quiet: repeat)" if busy > BUSY_SHARE else ""),
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(field)), "")


def _flags() -> set[str]:
    return set((_cpuinfo("flags") or _cpuinfo("features")).split())
