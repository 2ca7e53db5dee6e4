"""The one folder that holds everything a stack leaves behind."""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evenscreen.infra.local.reach import Role
from evenscreen.schemas.errors import Fatal

DATABASE_LOGINS: tuple[Role, ...] = (
    "owner",
    "worker",
    "door",
    "labeller",
    "operator",
    "auditor",
    "nightly",
)
PSEUDONYM_KEY_BYTES = 32


@dataclass(frozen=True)
class State:
    """Paths below one state folder: 0711, so that PostgreSQL's user can pass; secrets are 0600."""

    root: Path

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def pseudonym_key_file(self) -> Path:
        return self.root / "pseudonym.key"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def bucket(self) -> Path:
        return self.root / "bucket"

    def log(self, part: str) -> Path:
        return self.root / "log" / f"{part}.log"

    def prepare(self) -> None:
        """Make the folders and the pseudonym key, keep what exists; raises `Fatal` where it cannot."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if self.root.stat().st_uid == os.geteuid():
                self.root.chmod(0o711)
            for folder, mode in ((self.kafka, 0o700), (self.postgres, 0o711), (self.root / "log", 0o700)):
                folder.mkdir(mode=mode, exist_ok=True)
        except OSError as error:
            raise Fatal(
                f"The state folder {self.root} cannot be used ({type(error).__name__}): set "
                "EVENSCREEN_STATE_DIR to a folder that this user may write."
            ) from None
        write_once(self.pseudonym_key_file, lambda: secrets.token_bytes(PSEUDONYM_KEY_BYTES))

    def passwords(self) -> dict[str, str]:
        """Random passwords of the superuser `postgres` and of every login, made once and kept."""
        file = self.root / "passwords.json"
        kept: dict[str, str] = json.loads(write_once(file, lambda: b"{}"))
        missing = [name for name in ("postgres", *DATABASE_LOGINS) if name not in kept]
        if missing:  # at first all of them, later the logins that a newer version brings
            kept |= {name: secrets.token_urlsafe(24) for name in missing}
            write_private(file, json.dumps(kept).encode())
        return kept

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold this folder alone; `waiting` is called once if another command holds it now."""
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_once(path: Path, content: Callable[[], bytes]) -> bytes:
    """The bytes of `path`, made by `content` and durable with mode 0600 if it did not exist."""
    if not path.exists():
        write_private(path, content())
    return path.read_bytes()


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` as a whole with mode 0600; durable on return."""
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
