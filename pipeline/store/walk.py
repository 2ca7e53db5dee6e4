"""Walking a folder for its image files, in bounded memory, whatever happens to it meanwhile."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from evenscreen.pipeline.store.names import is_image_name, is_sendable


def image_keys(root: Path, skipped: Counter[str]) -> Iterator[str]:
    """The key of every regular image file below `root`, sorted within each folder.

    One folder's names are held at a time, for each level of depth. What cannot be an image is passed over
    in silence; what might be one but cannot be reached is counted in `skipped` by kind: `name_unsendable`
    (not UTF-8, or longer than 1,024 characters), `symbolic_link`, `folder_unreadable`. Files and folders
    that vanish during the walk are left out. Raises OSError if `root` itself cannot be read, or for
    anything but a missing or forbidden folder below it.
    """
    levels = [iter(_entries(root))]
    prefixes = [""]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            prefixes.pop()
            continue
        if entry.name.startswith("."):
            continue
        key = prefixes[-1] + entry.name
        if not is_sendable(key):
            skipped["name_unsendable"] += 1
        elif entry.is_symlink():
            skipped["symbolic_link"] += 1
        elif entry.is_dir(follow_symlinks=False):
            try:
                levels.append(iter(_entries(Path(entry.path))))
                prefixes.append(key + "/")
            except PermissionError:
                skipped["folder_unreadable"] += 1
            except (FileNotFoundError, NotADirectoryError):
                continue
        elif is_image_name(entry.name) and entry.is_file(follow_symlinks=False):
            yield key


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
