"""The processes of the demo: started as anyone would start them, killed as no one should."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from evenscreen.infra.local.ports import free_port
from evenscreen.schemas.errors import Fatal

START_S = 30.0


class Actor:
    """One `evenscreen …` process with its own health port and log file."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.port = free_port()
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "evenscreen.infra.cli", *arguments],
                env={**os.environ, **environment, "EVENSCREEN_HEALTH_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return once /readyz says yes; `Fatal` when the process ended or took too long."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).close()
                return
            time.sleep(0.05)
        raise Fatal(f"{self.name} did not become ready; the end of {self.log} says why.")

    def kill(self) -> None:
        """SIGKILL: no goodbye, no cleaning up."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for a process that does not hear it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def cast(
    parts: Mapping[str, list[str]], environment: Mapping[str, str], logs: Path
) -> Iterator[dict[str, Actor]]:
    """Start every part (name → arguments), wait until all are ready, stop all of them in the end."""
    actors: dict[str, Actor] = {}
    try:
        for name, arguments in parts.items():
            actors[name] = Actor(name, arguments, environment, logs)
        for actor in actors.values():
            actor.wait_ready()
        yield actors
    finally:
        for actor in actors.values():
            actor.stop()
