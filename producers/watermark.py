"""Up to which moment the folder door has announced everything: kept in the folder, as one file's mtime.

ctime cannot be set, and moves when a file is written, renamed or moved in with an old mtime: so an image
whose ctime is at or after the watermark may be new. Both are read off the clock of the file system, which
may be another machine's.
"""

import os
from pathlib import Path

from evenscreen.pipeline.store.names import DERIVED_PREFIX

MARGIN_NS = 10_000_000_000
"""How long a change may take to be reported by the system."""


class Watermark:
    """The watermark of one folder. Without one, everything there is new. Methods raise OSError."""

    def __init__(self, root: Path) -> None:
        self._file = root / DERIVED_PREFIX / "watched"

    def read_ns(self) -> int:
        """The moment (ns since 1970, file system's clock), 0 when there is none yet."""
        try:
            return self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def now_ns(self) -> int:
        """The present by the clock of the file system; the stored watermark stays as it is."""
        self._file.parent.mkdir(exist_ok=True)
        probe = self._file.with_name(".clock")
        probe.touch()
        return probe.stat().st_mtime_ns

    def write_ns(self, moment_ns: int) -> None:
        """Store `moment_ns`, as a whole or not at all. Not synced: an older watermark only costs repeats."""
        self._file.parent.mkdir(exist_ok=True)
        temporary = self._file.with_name(".watched.tmp")
        temporary.touch()
        os.utime(temporary, ns=(moment_ns, moment_ns))
        temporary.replace(self._file)
