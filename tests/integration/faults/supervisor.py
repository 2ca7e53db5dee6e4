"""What systemd or Kubernetes does: a worker that has ended is replaced."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .workers import Crew, Worker


@contextmanager
def supervised(crew: Crew, *workers: Worker) -> Iterator[list[int]]:
    """Replace each of `workers` whenever it has ended; gives the exit codes so far."""
    codes: list[int] = []
    stop = threading.Event()

    def supervise() -> None:
        present = list(workers)
        while not stop.wait(0.1):
            for place, worker in enumerate(present):
                if not worker.alive:
                    codes.append(worker.exit_code())
                    present[place] = crew.start()

    thread = threading.Thread(target=supervise, name="supervisor")
    thread.start()
    try:
        yield codes
    finally:
        stop.set()
        thread.join()
