"""How much memory a command takes."""

import subprocess
import time
from pathlib import Path


def peak_mb(command: list[str], env: dict[str, str], folder: Path) -> float:
    """Runs to the end; the most that the process held at once (VmHWM), read every 0.1 s."""
    with (folder / "command.log").open("wb") as log:
        child = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        peak = 0.0
        while child.poll() is None:
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak = max(
                [peak, *(int(line.split()[1]) / 1000 for line in status.splitlines() if "VmHWM" in line)]
            )
            time.sleep(0.1)
    if child.returncode not in (0, 10, 11, 12):
        raise SystemExit((folder / "command.log").read_text()[-2000:])
    return peak
