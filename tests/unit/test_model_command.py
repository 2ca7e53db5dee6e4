"""`evenscreen model`: quick to explain itself, clear when something is missing."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenscreen.infra.cli.failures import NoInput
from evenscreen.infra.cli.model import app


def test_help_does_not_wait_for_torch(tmp_path: Path) -> None:
    code = "import sys, evenscreen.infra.cli.model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_a_missing_data_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["build", "dermoscopy.yaml", "--data", "lesions"])
    assert answer.exit_code == 2
    assert "lesions" in answer.output


def test_a_missing_recipe_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lesions").mkdir()
    answer = CliRunner().invoke(app, ["build", "recipe.yaml", "--data", "lesions"])
    assert isinstance(answer.exception, NoInput)
    assert "recipe.yaml" in str(answer.exception)
