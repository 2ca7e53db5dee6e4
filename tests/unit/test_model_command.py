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


@pytest.mark.parametrize("missing", ["recipe", "data"])
def test_a_missing_file_or_folder_is_named(missing: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    if missing == "data":
        recipe.write_text("")
    answer = CliRunner().invoke(app, ["build", str(recipe), "--data", str(tmp_path / "nowhere")])
    assert answer.exit_code == 2
    assert ("recipe.yaml" if missing == "recipe" else "--data") in answer.output
