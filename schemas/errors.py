"""What can go wrong, by what the caller can do about it.

EvenscreenError
├── Transient      retry in place with backoff: bad weather (storage, broker, database)
├── Rejected       dead-letter this one image, move on: it carries a `Reason`
├── Superseded     this exact version is gone and a newer object stands at its key
└── Fatal          stop the process: a person has to change something
    └── Tripped    the breaker is open: too many rejections to go on alone

No message may hold a key, an identifier, a pixel or a secret: messages are built from typed arguments.
"""

from evenscreen.schemas.reasons import Reason


class EvenscreenError(Exception):
    """Base of every error raised on purpose."""


class Transient(EvenscreenError):
    """Retry: `system` is what did not answer, `cause` a class name, status or SQLSTATE."""

    def __init__(self, system: str, cause: str) -> None:
        self.system = system
        self.cause = cause
        super().__init__(f"{system} is unavailable ({cause})")


class Rejected(EvenscreenError):
    """This image can never be screened as it is; `detail` holds numbers and format names only."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class Superseded(EvenscreenError):
    """The exact version can no longer be fetched and a newer object stands at the key."""


class Fatal(EvenscreenError):
    """Nothing this process can do will help; the message is a sentence for the operator."""


class Tripped(Fatal):
    """The rejection breaker is open across all workers."""

    def __init__(self, rejected: int, finished: int, window_s: int) -> None:
        super().__init__(
            f"{rejected} of the last {finished} images within {window_s} s were rejected: stopping so that "
            "a broken source or model cannot drain the topic. See 'breaker' in docs/RUNBOOK.md."
        )
