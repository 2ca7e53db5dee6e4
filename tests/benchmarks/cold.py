"""Commands as a person meets them: each in a new process, files in the page cache as after a first use."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from child import clean_environment
from figure import Findings, Goal
from photographs import sources
from sizes import Sizes

from evenscreen.infra.local import jars

SECTION = "a command, cold"
EVENSCREEN = str(Path(sys.executable).with_name("evenscreen"))


def measure(findings: Findings, sizes: Sizes, progress: Callable[[str], None]) -> None:
    helps: list[float] = []
    screens: list[float] = []
    ups: list[float] = []
    jars.fetched()
    photograph = str(sources()[0][0])
    for number in range(sizes.cold_rounds):
        progress(f"round {number + 1} of {sizes.cold_rounds}")
        helps.append(_seconds("--help"))
        screens.append(_seconds("screen", photograph))
        with tempfile.TemporaryDirectory(prefix="evenscreen-cold-") as folder:
            try:
                ups.append(_seconds("up", state=folder))
            finally:
                _seconds("down", state=folder)
    findings.add(SECTION, "`evenscreen --help`", "s", helps, Goal(0.5, "below"))
    findings.add(SECTION, "`evenscreen screen PHOTO`", "s", screens, Goal(2, "below"))
    findings.add(
        SECTION,
        "`evenscreen up` in an empty folder",
        "s",
        ups,
        Goal(5, "at most"),
        note="jars cached; Kafka formatted, PostgreSQL made and migrated, both answering",
    )


def _seconds(*arguments: str, state: str = "") -> float:
    environment = clean_environment({"EVENSCREEN_STATE_DIR": state} if state else {})
    begun = time.monotonic()
    done = subprocess.run(
        [EVENSCREEN, *arguments], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    took = time.monotonic() - begun
    if done.returncode != 0:
        raise RuntimeError(f"evenscreen {arguments[0]} failed: {done.stderr[-500:]}")
    return took
