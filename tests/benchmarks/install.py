"""What a core install takes on disk: everything that a screening worker needs, and nothing else."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from figure import Findings, Goal
from sizes import Sizes

import evenscreen
from evenscreen.schemas.errors import Fatal

ROOT = Path(evenscreen.__path__[0])
LOCK = ROOT / "infra" / "locks" / "core.txt"
PRODUCT = ("schemas", "pipeline", "producers", "consumers", "migrations", "compression", "infra")
LOOSE = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "__init__.py")


def measure(findings: Findings, _sizes: Sizes, progress: Callable[[str], None]) -> None:
    """Raises `Fatal` where uv or the package index cannot be had."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        raise Fatal("uv, which makes the environment, is not installed here.")
    with tempfile.TemporaryDirectory(prefix="evenscreen-install-") as folder:
        environment = Path(folder) / "venv"
        progress("a fresh environment from the core lock")
        _run(uv, "venv", "--python", sys.executable, str(environment))
        python = str(environment / "bin" / "python")
        _run(uv, "pip", "install", "--python", python, "--require-hashes", "-r", str(LOCK))
        locked = size_mb(environment)
        progress("evenscreen itself")
        source = _source(Path(folder) / "source")
        _run(uv, "pip", "install", "--python", python, "--no-deps", "--no-build-isolation", str(source))
        whole = size_mb(environment)
    findings.add("core install", "on disk", "MB", [whole], Goal(300, "below"))
    findings.add("core install", "of that, evenscreen and its model", "MB", [whole - locked])


def size_mb(folder: Path) -> float:
    """Disk blocks of everything below `folder`, each file once, in MB (10^6 bytes)."""
    seen = {
        (stat.st_dev, stat.st_ino): stat.st_blocks * 512
        for path in [folder, *folder.rglob("*")]
        for stat in [path.lstat()]
    }
    return sum(seen.values()) / 1e6


def _source(folder: Path) -> Path:
    """A copy to build from, so that no build leaves anything in the checkout."""
    folder.mkdir()
    for name in PRODUCT:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LOOSE:
        shutil.copy(ROOT / name, folder)
    return folder


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        env={**os.environ, "UV_LINK_MODE": "copy"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise Fatal(f"the environment could not be made: {reason}")
