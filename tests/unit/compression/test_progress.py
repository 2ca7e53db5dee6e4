"""Bars are for people at a terminal: seen while work goes on, gone after it, never in the way of output."""

from io import StringIO

import pytest
from rich.console import Console

from evenscreen.compression import progress
from evenscreen.compression.progress import counted


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    screen = StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=80))
    return screen


@pytest.mark.parametrize("still", [False, True])
def test_a_bar_says_what_is_counted_and_goes(terminal: StringIO, still: bool) -> None:
    assert list(counted(iter("abc"), "reading val", 3, still=still)) == ["a", "b", "c"]
    drawn, erase_line = terminal.getvalue(), "\x1b[2K"
    assert "reading val" in drawn
    assert "100%" in drawn
    assert drawn.endswith(erase_line)


def test_a_bar_may_run_within_another(terminal: StringIO) -> None:
    pairs = [(one, two) for one in counted([1, 2], "groups") for two in counted([3, 4], "images")]
    assert pairs == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert "images" in terminal.getvalue()


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(counted([1, 2], "groups")) == [1, 2]
    assert capsys.readouterr() == ("", "")
