"""The command line as scripts and people meet it: help, sentences, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from evenscreen.pipeline.audit.described import DIMENSIONS
from evenscreen.pipeline.model import SHIPPED

COMMAND = [sys.executable, "-P", "-m", "evenscreen.infra.cli"]
HEAVY = ("faust", "kafka", "torch", "onnxruntime", "numpy", "sqlalchemy", "boto3", "PIL", "pydantic")


def evenscreen(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing but `environment` known of any stack."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "100", **environment}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=clean, cwd="/", timeout=60
    )


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((300, 240), 60).convert("RGB").save(path)
    return path


def test_help_fits_on_a_screen_and_names_every_command() -> None:
    answer = evenscreen("--help")
    assert answer.returncode == 0
    assert len(answer.stdout.splitlines()) <= 50
    for name in (
        "up",
        "down",
        "status",
        "drop",
        "worker",
        "watch",
        "reconcile",
        "screen",
        "trace",
        "db",
        "demo",
    ):
        assert f" {name} " in answer.stdout


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; import evenscreen.infra.cli.main; print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-P", "-c", program, *HEAVY], capture_output=True, text=True, cwd="/", check=True
    )
    assert answer.stdout.strip() == "[]"


def test_screen_json_is_the_stable_contract(photograph: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear colleague")
    answer = evenscreen("screen", "--json", photograph, letter)
    assert answer.returncode == 1
    good, bad = (json.loads(line) for line in answer.stdout.splitlines())
    assert set(good) == {"file", "outcome", "score", "probabilities", "flagged", "reason", "model_version"}
    assert good["file"] == str(photograph)
    assert good["outcome"] == "screened"
    assert 0 <= good["score"] <= 1
    assert sum(good["probabilities"].values()) == pytest.approx(1)
    assert isinstance(good["flagged"], bool)
    assert (bad["outcome"], bad["reason"], bad["score"]) == ("rejected", "not_an_image", None)
    assert bad["model_version"] == good["model_version"]


def test_screen_takes_a_folder(photograph: Path) -> None:
    answer = evenscreen("screen", "--json", photograph.parent)
    assert answer.returncode == 0
    assert [json.loads(line)["file"] for line in answer.stdout.splitlines()] == [str(photograph)]


@pytest.mark.parametrize("name", ["nowhere.jpg", "empty"])
def test_a_path_that_leads_nowhere_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    answer = evenscreen("screen", tmp_path / name)
    assert answer.returncode == 66
    assert answer.stderr.startswith("evenscreen: there is no ")
    assert "Traceback" not in answer.stderr


def test_a_model_that_was_changed_is_refused_with_a_sentence(photograph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((SHIPPED / "manifest.json").read_bytes())
    (folder / "model.onnx").write_bytes((SHIPPED / "model.onnx").read_bytes() + b"\0")
    answer = evenscreen("screen", photograph, "--model", folder)
    assert answer.returncode == 78
    assert "was changed after it was built" in answer.stderr


@pytest.mark.parametrize(
    "arguments", [("status",), ("trace", "x.jpg"), ("worker", "screening"), ("reconcile",)]
)
def test_without_a_stack_the_sentence_says_how_to_get_one(arguments: tuple[str, ...], tmp_path: Path) -> None:
    answer = evenscreen(*arguments, EVENSCREEN_STATE_DIR=str(tmp_path))
    assert answer.returncode == 78
    assert "evenscreen up" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_dimension_that_is_none_is_a_sentence_that_names_them() -> None:
    answer = evenscreen("audit", "--by", "site", "--by", "sight")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "there is no dimension 'sight'" in answer.stderr
    for name in DIMENSIONS:
        assert name in answer.stderr


def test_a_wrong_setting_is_named_and_not_shown(tmp_path: Path) -> None:
    answer = evenscreen(
        "status",
        EVENSCREEN_STATE_DIR=str(tmp_path),
        EVENSCREEN_KAFKA="localhost:1",
        EVENSCREEN_DATABASE_URL="postgresql://operator:s3cret@localhost:1/x",
        EVENSCREEN_BUCKET="ftp://elsewhere",
    )
    assert answer.returncode == 78
    assert "EVENSCREEN_BUCKET is wrong" in answer.stderr
    assert "s3cret" not in answer.stderr
    assert "ftp" not in answer.stderr
