"""What a stopped build keeps, and with what it goes on, recipe edited or not."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression import learning, steps
from evenscreen.compression.build import Build
from evenscreen.infra.cli.model import app
from evenscreen.schemas.errors import Fatal

Making = Callable[..., Build]


@pytest.fixture
def making(recipe_path: Path, lesions: Path, tmp_path: Path) -> Making:
    """A build of the tiny recipe with one guide and other texts replaced, always in the same run folder."""

    def make(*changes: tuple[str, str]) -> Build:
        text = recipe_path.read_text()
        for old, new in [("copies: 2", "copies: 1"), *changes]:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "tiny.yaml").write_text(text)
        return Build(tmp_path / "tiny.yaml", lesions, tmp_path / "run", None)

    return make


def working(run_dir: Path) -> list[str]:
    return sorted(path.name.partition("-work")[0][:-9] for path in run_dir.glob("*-work"))


def test_a_stage_that_diverged_goes_on_in_the_same_folder_once_its_rate_is_lowered(
    making: Making, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = "peak_learning_rate: 0.003"
    wild = making((rate, "peak_learning_rate: 1.0e+30"))
    lower = r"^parent: .* Lower parent\.training\.peak_learning_rate .* same command"
    with pytest.raises(Fatal, match=lower):
        wild.learning.parent()
    assert working(tmp_path / "run") == ["parent"]
    guide = (tmp_path / "run" / "guide-1.pt").stat().st_mtime_ns
    assert making((rate, "peak_learning_rate: 0.002")).learning.parent().exists()
    assert (tmp_path / "run" / "guide-1.pt").stat().st_mtime_ns == guide
    assert working(tmp_path / "run") == []
    assert "resumed" not in capsys.readouterr().err


def test_a_training_that_was_stopped_begins_anew_under_an_edited_recipe(
    making: Making, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = making().learning
    stages.skins()
    with monkeypatch.context() as patched:
        patched.setattr(steps, "sha256", stopped)
        with pytest.raises(KeyboardInterrupt):
            stages.guides()
    (kept,) = (tmp_path / "run").glob("guide-1-*-work")
    making(("seed: 1", "seed: 9")).learning.guides()
    assert not kept.exists()


def test_a_finished_training_is_not_lost_when_its_record_cannot_be_written(
    making: Making, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = making().learning
    stages.skins()
    with monkeypatch.context() as patched:
        patched.setattr(steps, "sha256", stopped)
        with pytest.raises(KeyboardInterrupt):
            stages.guides()
    said = capsys.readouterr().err
    assert said.count("val AUROC") == 2
    stages.guides()
    said = capsys.readouterr().err
    assert "resumed after epoch 2" in said
    assert "val AUROC" not in said
    assert working(tmp_path / "run") == []


def test_checkpoints_that_a_kill_left_half_deleted_stop_nothing(
    making: Making, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path) -> None:
        for weights in folder.glob("best-*"):
            weights.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            making().learning.guides()
    (tmp_path / "run" / "guide-1.pt.json").unlink()
    making().learning.guides()
    assert working(tmp_path / "run") == []


def test_a_pruning_step_that_was_stopped_does_not_choose_again(
    making: Making, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = making().learning
    stages.parent()
    with monkeypatch.context() as patched:
        patched.setattr(learning, "train", stopped)
        with pytest.raises(KeyboardInterrupt):
            stages.pruned(0.2)
    assert working(tmp_path / "run") == ["pruned-20"]
    with monkeypatch.context() as patched:
        patched.setattr(learning, "importances", stopped)
        assert stages.pruned(0.2).exists()
    assert working(tmp_path / "run") == []


CTRL_C = "the same command goes on from what is finished"

COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs tests behind it ignores Ctrl-C
from evenscreen.infra.cli.main import main
main()
"""


def test_ctrl_c_in_the_middle_of_training_is_a_sentence_and_the_same_command_goes_on(
    recipe_path: Path, lesions: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "tiny.yaml"
    text = recipe_path.read_text().replace("copies: 2", "copies: 1")
    recipe.write_text(text.replace("[{epochs: 2, side: 32}]", "[{epochs: 6, side: 32}]"))
    folders = [str(recipe), "--data", str(lesions), "--run", str(tmp_path / "run")]
    command = [sys.executable, "-P", "-c", COMMAND, "model", "build", *folders]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if line.startswith("epoch 2/"))
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == 130
    assert said.replace("\n", " ").endswith(f"stopped in guide-1.pt: {CTRL_C} ")
    assert "Traceback" not in said
    assert not (tmp_path / "run" / "guide-1.pt").exists()
    again = CliRunner().invoke(app, ["guide", *folders])
    assert again.exit_code == 0, again.output
    judged = [int(number) for number in re.findall(r"^epoch (\d+)/6", again.stderr, re.MULTILINE)]
    assert f"resumed after epoch {judged[0] - 1}\n" in again.stderr
    assert judged[0] > 2
    assert judged[-1] == 6
    assert again.stdout == f"{tmp_path / 'run' / 'guide-1.pt'}\n"


def test_ctrl_c_between_steps_is_a_sentence_too(
    recipe_path: Path, lesions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "data_checksum", stopped)
    folders = ["--data", str(lesions), "--run", str(tmp_path / "run")]
    answer = CliRunner().invoke(app, ["build", str(recipe_path), *folders])
    assert answer.exit_code == 130
    assert answer.stderr.replace("\n", " ") == f"stopped between two steps: {CTRL_C} "


def stopped(*_: object, **__: object) -> str:
    raise KeyboardInterrupt
