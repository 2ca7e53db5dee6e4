"""Children that outlive a command, and those that die by another hand."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from evenscreen.infra.local.process import spawn, stop
log = Path(sys.argv[1])
lost = spawn(["sleep", "60"], log=log)
lost.kill()
lost.wait(10)
stop(spawn(["sleep", "60"], log=log), timeout_s=10, word=print)
"""


def test_a_child_that_was_killed_by_another_hand_is_no_warning_at_exit(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", SCRIPT, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
