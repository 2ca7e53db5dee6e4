"""What is shipped: everything that a command needs, and nothing that only builds or tests it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import evenscreen

ROOT = Path(evenscreen.__file__).parent
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that was built from a copy of this checkout."""
    copy, out = tmp_path_factory.mktemp("copy") / "evenscreen", tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns(".*", "runs", "tests", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=leave)
    subprocess.run(
        [sys.executable, "-P", "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True, timeout=120
    )
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    "pattern",
    [
        "compression/shipped/*",
        "compression/recipes/*",
        "infra/local/jars.txt",
        "infra/demo/ATTRIBUTION.md",
        "infra/demo/images/*",
        "migrations/sql/*.sql",
        "pipeline/**/*.py",
    ],
)
def test_the_wheel_holds_what_commands_read(shipped: set[str], pattern: str) -> None:
    needed = {f"evenscreen/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob(pattern)}
    assert needed
    assert needed <= shipped


def test_the_wheel_holds_neither_its_own_builder_nor_tests(shipped: set[str]) -> None:
    assert "evenscreen/setup.py" not in shipped
    assert not [name for name in shipped if name.startswith("evenscreen/tests")]
