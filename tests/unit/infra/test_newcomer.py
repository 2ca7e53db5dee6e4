"""What a newcomer stumbles over: Ctrl-C at a bad moment, a folder of their own, a setting to look up."""

import subprocess
import sys
from pathlib import Path

import pytest

from evenscreen.infra.cli import failures
from evenscreen.infra.demo.story import tell_story
from evenscreen.infra.show.settings import settings_lines
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings.base import Settings

# A library whose import is interrupted, and which makes something else of the interruption.
STUBBORN = """
import os, signal, sys, time, types, importlib.abc, importlib.machinery

class Stubborn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "onnxruntime" else None
    def exec_module(self, module):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise ImportError("cannot be imported") from None

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs tests behind it ignores Ctrl-C
sys.meta_path.insert(0, Stubborn())
sys.argv = ["evenscreen", "screen", "nowhere.jpg"]
from evenscreen.infra.cli.main import main
main()
"""


def test_ctrl_c_while_a_library_is_imported_is_silent() -> None:
    answer = subprocess.run(
        [sys.executable, "-P", "-c", STUBBORN], capture_output=True, text=True, cwd="/", timeout=60
    )
    assert answer.returncode == failures.INTERRUPTED
    assert answer.stderr == ""


def test_ctrl_c_stays_ignored_where_a_shell_ignores_it() -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from evenscreen.infra.cli.interrupt import listen\n"
        "listen(); print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, cwd="/")
    assert answer.stdout.strip() == "True"


def test_the_demo_empties_no_folder_but_its_own(tmp_path: Path) -> None:
    photograph = tmp_path / "holiday.jpg"
    photograph.write_bytes(b"not yours")
    with pytest.raises(Fatal, match="was not left by a demo"):
        tell_story(tmp_path)
    assert photograph.read_bytes() == b"not yours"
    assert list(tmp_path.iterdir()) == [photograph]


def test_every_setting_of_every_process_is_told_once_with_a_sentence() -> None:
    named = [line.split()[0] for line in settings_lines() if line.startswith("EVENSCREEN_")]
    assert len(named) == len(set(named))
    assert "    None" not in settings_lines()
    for kind in _all_below(Settings):
        if kind.__module__.startswith(("evenscreen.schemas.", "evenscreen.infra.local.")):
            assert {f"EVENSCREEN_{name.upper()}" for name in kind.model_fields} <= set(named)


def _all_below(kind: type[Settings]) -> set[type[Settings]]:
    below = set(kind.__subclasses__())
    return below.union(*(_all_below(one) for one in below)) if below else below


def test_a_missing_part_of_the_embedded_stack_is_a_sentence() -> None:
    sentence, code = failures.sentence_and_code(ModuleNotFoundError("No module", name="psutil"))
    assert (sentence, code) == ("The embedded stack needs psutil: pip install 'evenscreen[local]'.", 78)


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_state_folder_that_is_a_file_is_a_sentence(tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.touch()
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "evenscreen.infra.cli", command],
        env={"PATH": "/usr/bin:/bin", "EVENSCREEN_STATE_DIR": str(file)},
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert answer.returncode == failures.CONFIGURATION
    assert (
        answer.stderr == "evenscreen: Not a directory: check the paths you named and EVENSCREEN_STATE_DIR.\n"
    )
