"""Writing a file so that readers see all of it or none, and a power cut changes nothing of that."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

from evenscreen.pipeline.store.beneath import folder_beneath


def replace_file(root: Path, parts: Sequence[str], pieces: Iterable[bytes]) -> None:
    """Write `root/parts…`: hidden temporary file beside it, fsync, rename, fsync of the folder.

    On return content and name are durable. On an error (OSError) the old file stands and the
    temporary one is gone.
    """
    with folder_beneath(root, parts[:-1], create=True) as folder:
        temporary = f".evenscreen-{uuid4().hex}.tmp"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            # 0o666: who may read patients' images is the operator's umask to say.
            with open(os.open(temporary, flags, 0o666, dir_fd=folder), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)


def unlink_file(root: Path, parts: Sequence[str]) -> None:
    """Remove `root/parts…` durably; nothing there is fine. Raises OSError."""
    with contextlib.suppress(FileNotFoundError), folder_beneath(root, parts[:-1]) as folder:
        os.unlink(parts[-1], dir_fd=folder)
        os.fsync(folder)
