"""Steps: done once, made again when anything changes, never half done."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression.steps import Steps, key, read_record


def writes(text: str, calls: list[str]) -> object:
    def make(path: Path) -> dict[str, object]:
        calls.append(text)
        path.write_text(text)
        return {"length": len(text)}

    return make


def test_a_step_is_done_once_and_again_under_another_key(tmp_path: Path) -> None:
    steps, calls = Steps(tmp_path, 7), list[str]()
    for made in ("a", "a", "b"):
        steps.run("file.txt", key(made), writes(made, calls))  # type: ignore[arg-type]
    assert calls == ["a", "b"]
    assert (tmp_path / "file.txt").read_text() == "b"


def test_the_record_tells_what_it_was_made_from_and_what_was_measured(tmp_path: Path) -> None:
    steps, calls = Steps(tmp_path, 7), list[str]()
    source = steps.run("source.txt", "one", writes("source", calls))  # type: ignore[arg-type]
    within = Steps(tmp_path / "part", 7, tmp_path)
    other = within.run("source.txt", "one", writes("other", calls))  # type: ignore[arg-type]
    made = within.run("made.txt", "two", writes("made", calls), [source, other], {"data": "ab"})  # type: ignore[arg-type]
    record = read_record(made)
    assert record.made_from == {
        "source.txt": read_record(source).sha256,
        "part/source.txt": read_record(other).sha256,
    }
    assert record.images == {"data": "ab"}
    assert (record.seed, record.metrics) == (7, {"length": 4})
    assert json.loads((tmp_path / "part" / "made.txt.json").read_text())["versions"]["torch"]


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_step_that_was_stopped_leaves_the_old_file_and_is_made_again(
    tmp_path: Path, problem: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    steps, calls = Steps(tmp_path, 7), list[str]()
    steps.run("file.txt", "old", writes("old", calls))  # type: ignore[arg-type]

    def stopped(path: Path) -> None:
        path.write_text("ha")
        raise problem

    with pytest.raises(type(problem)):
        steps.run("file.txt", "new", stopped)
    assert (tmp_path / "file.txt").read_text() == "old"
    if isinstance(problem, KeyboardInterrupt):
        assert "goes on from what is finished" in capsys.readouterr().err.replace("\n", " ")
    steps.run("file.txt", "new", writes("new", calls))  # type: ignore[arg-type]
    assert (tmp_path / "file.txt").read_text() == "new"


def test_a_file_without_its_record_is_made_again(tmp_path: Path) -> None:
    steps, calls = Steps(tmp_path, 7), list[str]()
    path = steps.run("file.txt", "one", writes("first", calls))  # type: ignore[arg-type]
    path.with_name("file.txt.json").unlink()
    steps.run("file.txt", "one", writes("second", calls))  # type: ignore[arg-type]
    assert calls == ["first", "second"]
