"""Processes as operations run them: children with an environment, killed in every way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from evenscreen.infra.local.ports import free_port

PATIENCE_S = 150.0
EVENSCREEN = (sys.executable, "-P", "-m", "evenscreen.infra.cli")
SCREENING = ("worker", "screening")


def eventually(what: str, true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Return once `true()` is; fail with `what` otherwise. The limit is generous: no test measures time."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"not within {patience_s:.0f} s: {what}"
        time.sleep(0.02)


class Worker:
    """One `evenscreen …` process; its output goes to a file of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.port = free_port()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*EVENSCREEN, *command],
                env={**_bare(), **environment, "EVENSCREEN_HEALTH_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of /healthz, /readyz or /metrics; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def wait_ready(self) -> "Worker":
        eventually(
            f"the worker is ready\n{self.output}", lambda: self.get("/readyz")[0] == 200 or not self.alive
        )
        assert self.alive, self.output
        return self

    def waiting_for(self) -> str | None:
        """The system whose return the worker waits for."""
        _, body = self.get("/readyz")
        waits: str | None = json.loads(body).get("waiting_for") if body else None
        return waits

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9: no goodbye."""
        self.process.kill()
        self.process.wait()

    def exit_code(self, patience_s: float = PATIENCE_S) -> int:
        """Waits for the process to end by itself."""
        return self.process.wait(patience_s)


def _bare() -> dict[str, str]:
    """The environment of the tests without any setting of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}


class Crew:
    """Every worker of one test, with a common environment; all are killed in the end."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self.workers: list[Worker] = []
        self._logs = logs

    def start(self, *command: str, **environment: str) -> Worker:
        """A new process, by default a screening worker; settings by keyword: `batch_images="4"`."""
        settings = {f"EVENSCREEN_{name.upper()}": value for name, value in environment.items()}
        log = self._logs / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(command or SCREENING, {**self.environment, **settings}, log))
        return self.workers[-1]

    def output(self) -> str:
        """Everything that any of them has said."""
        return "".join(worker.output for worker in self.workers)


@contextlib.contextmanager
def crew(environment: Mapping[str, str], logs: Path) -> Iterator[Crew]:
    made = Crew(environment, logs)
    try:
        yield made
    finally:
        for worker in made.workers:
            if worker.alive:
                worker.kill()
