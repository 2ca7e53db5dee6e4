"""Opening files below a folder without ever leaving it: no `..`, no absolute path, no symbolic link.

Each step opens one name relative to the folder before it with O_NOFOLLOW, so that a link put in place
between a check and its use gains nothing.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from evenscreen.pipeline.store.names import is_sendable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def parts_of(key: str) -> list[str] | None:
    """The names along a key, or None where the key is not a plain relative path."""
    parts = key.split("/")
    if not is_sendable(key) or any(part in ("", ".", "..") for part in parts):
        return None
    return parts


@contextlib.contextmanager
def folder_beneath(root: Path, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder `root/parts…`; with `create`, missing folders are made and made durable.

    Raises OSError; a symbolic link on the way is ENOTDIR or ELOOP.
    """
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
                    os.fsync(descriptor)
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def file_beneath(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """A reading descriptor of the file `root/parts…`. Raises OSError; only regular files are found."""
    with folder_beneath(root, parts[:-1]) as folder:
        # O_NONBLOCK: opening a named pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(parts[-1], flags, dir_fd=folder)
    try:
        if not os.path.isfile(descriptor):
            raise FileNotFoundError
        yield descriptor
    finally:
        os.close(descriptor)
