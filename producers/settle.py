"""When is a file complete? Nobody says so: when it has stood still. Time comes from outside."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

EMPTY_SETTLE_S = 10.0
"""An empty file waits at least this long: copying programs make the name first and fill it later."""


@dataclass(frozen=True)
class Stamp:
    """What tells one state of a file from another. `changed_ns` (ctime) also moves when it is renamed."""

    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int


def stamp_of(path: Path) -> Stamp | None:
    """The present state of a regular file; None for anything else (links are not followed) or nothing."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass
class _Watched:
    stamp: Stamp
    due_s: float


class Settler:
    """Files that are not yet known to be complete. Times are seconds of one monotonic clock."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._watched: dict[str, _Watched] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def __contains__(self, key: str) -> bool:
        return key in self._watched

    def observe(self, key: str, stamp: Stamp, now_s: float, *, in_place: bool = False) -> None:
        """The file looks like this now. Any change begins its wait anew; `in_place` ends it: it was renamed
        to its name as a whole."""
        known = self._watched.get(key)
        if known is None or known.stamp != stamp:
            wait_s = self._settle_s if stamp.size_bytes else max(self._settle_s, EMPTY_SETTLE_S)
            self._watched[key] = known = _Watched(stamp, now_s + wait_s)
        if in_place:
            known.due_s = now_s

    def forget(self, key: str) -> None:
        """The file is gone."""
        self._watched.pop(key, None)

    def due(self, now_s: float) -> list[str]:
        """Files whose wait is over, if a look at each (see `confirm`) finds them unchanged."""
        return [key for key, file in self._watched.items() if file.due_s <= now_s]

    def confirm(self, key: str, stamp: Stamp, now_s: float) -> bool:
        """The look: True when the file has stood still, after which it is watched no more."""
        self.observe(key, stamp, now_s)
        if self._watched[key].due_s > now_s:
            return False
        del self._watched[key]
        return True

    def oldest_change_ns(self) -> int | None:
        """The earliest ctime among the files that wait."""
        return min((file.stamp.changed_ns for file in self._watched.values()), default=None)
