"""Where a step that trains keeps what it would go on from: a folder beside the file that it makes.

Its name holds the step's key: under another recipe or other data a step begins anew, in a folder of its own.
"""

import shutil
from pathlib import Path

from evenscreen.compression.train import CHECKPOINT


def workplace(path: Path, made: str) -> Path:
    """The folder of the step that makes `path` under the key `made`; on return it is there, and no other."""
    folder = path.with_name(f"{path.stem}-{made[:8]}-work")
    _forget(path, keep=folder)
    folder.mkdir(exist_ok=True)
    return folder


def forget(path: Path) -> None:
    """Delete all folders of `path`, under whatever key."""
    _forget(path, keep=None)


def _forget(path: Path, keep: Path | None) -> None:
    for folder in path.parent.glob(f"{path.stem}-*work"):
        if folder != keep:
            # First, so that a kill leaves no checkpoint that names weights which are gone.
            (folder / CHECKPOINT).unlink(missing_ok=True)
            shutil.rmtree(folder)
