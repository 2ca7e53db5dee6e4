"""What a stopped build keeps, and with what it goes on, recipe edited or not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression import steps
from evenscreen.compression.build import Build
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
    learning = making().learning
    learning.skins()
    with monkeypatch.context() as patched:
        patched.setattr(steps, "sha256", stopped)
        with pytest.raises(KeyboardInterrupt):
            learning.guides()
    (kept,) = (tmp_path / "run").glob("guide-1-*-work")
    making(("seed: 1", "seed: 9")).learning.guides()
    assert not kept.exists()


def test_a_finished_training_is_not_lost_when_its_record_cannot_be_written(
    making: Making, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learning = making().learning
    learning.skins()
    with monkeypatch.context() as patched:
        patched.setattr(steps, "sha256", stopped)
        with pytest.raises(KeyboardInterrupt):
            learning.guides()
    said = capsys.readouterr().err
    assert said.count("val AUROC") == 2
    learning.guides()
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


def stopped(_: Path) -> str:
    raise KeyboardInterrupt
