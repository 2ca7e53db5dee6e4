"""Ctrl-C while a command still imports what it needs: nothing was begun, so the process ends at once.

A KeyboardInterrupt would surface inside a library's import, where some C extensions print it with a
traceback and go on with an ImportError instead.
"""

import os
import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
OURS = "evenscreen.infra.cli."
IMPORTER = "<frozen importlib._bootstrap"


def listen() -> None:
    """Handle SIGINT until a worker puts its own handler in place; where it is ignored, it stays so."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, frame: FrameType | None) -> NoReturn:
    if importing(frame):
        os._exit(INTERRUPTED)
    raise KeyboardInterrupt


def importing(frame: FrameType | None) -> bool:
    """Whether the innermost call from the command line is an import statement of its own."""
    called = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(OURS) and module != __name__:
            return called.startswith(IMPORTER)
        called, frame = frame.f_code.co_filename, frame.f_back
    return False
