"""`evenscreen model`: quick to explain itself, clear when something is missing."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenscreen.infra.cli.model import app


def test_help_does_not_wait_for_torch(tmp_path: Path) -> None:
    code = "import sys, evenscreen.infra.cli.model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("missing", ["recipe.yaml", "lesions"])
def test_a_missing_file_or_folder_is_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").touch()
    (tmp_path / "lesions").mkdir()
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    answer = CliRunner().invoke(app, ["build", "recipe.yaml", "--data", "lesions"])
    assert answer.exit_code == 2
    assert missing in answer.output
