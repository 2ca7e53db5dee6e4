"""One `evenscreen …` process, started as an operator would start it and stopped in every way."""

import contextlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from evenscreen.infra.local.ports import free_port
from evenscreen.schemas.errors import Fatal

COMMAND = (sys.executable, "-P", "-m", "evenscreen.infra.cli")
READY_S = 60.0
STOP_S = 15.0


class Child:
    """Runs in a session of its own, with `environment` and a health port; its output is appended to `log`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.port = free_port()
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*COMMAND, *arguments],
                env={**environment, "EVENSCREEN_HEALTH_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Return once /readyz says yes; `Fatal` when the process ended or took too long."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.alive:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).close()
                return
            time.sleep(0.05)
        raise Fatal(f"A process did not become ready; the end of {self.log} says why.")

    def kill(self) -> None:
        """SIGKILL: no goodbye, no cleaning up."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for a process that does not hear it."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
