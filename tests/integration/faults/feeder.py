"""Images that keep coming while things break."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .clinic import Clinic

AT_ONCE = 3
PAUSE_S = 0.1


@contextmanager
def feeding(clinic: Clinic) -> Iterator[None]:
    """Photographs are put and announced in the background; when the block ends, the last one has been."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def feed() -> None:
        try:
            while not stop.wait(PAUSE_S):
                clinic.announce(clinic.photographs(AT_ONCE))
        except BaseException as failure:  # noqa: BLE001 - told to the test below
            failures.append(failure)

    thread = threading.Thread(target=feed, name="feeder")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not failures, f"the feeder failed: {failures}"
