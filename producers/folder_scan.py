"""The look at the whole folder: at the start, and now and then for what the system did not announce.

inotify loses events when its queue runs over, knows nothing of what other machines write to a share, and
misses files that were in a new folder before it was watched. The look is taken in small steps, so that
images that do announce themselves never wait for it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.names import sidecar_of
from evenscreen.pipeline.store.walk import image_keys
from evenscreen.producers.settle import Stamp, stamp_of
from evenscreen.producers.watermark import MARGIN_NS, Watermark

STEP_NAMES = 500
EMITTED_LIMIT = 100_000


class FolderScan:
    """One look after the other, each `pause_s` after the end of the one before."""

    def __init__(self, root: Path, *, pause_s: float, sidecar_required: bool) -> None:
        self._root = root
        self._pause_s = pause_s
        self._sidecar_required = sidecar_required
        self._watermark = Watermark(root)
        self._since_ns = self._read()
        self._began_ns = 0
        self._names: Iterator[str] | None = None
        self._first = True
        self._new_folders: dict[Path, bool] = {}
        self._next_s = 0.0
        self._hurried = False
        self._emitted: dict[str, Stamp] = {}

    def emitted(self, key: str, stamp: Stamp) -> None:
        """The image was announced in this state: the next look passes over it."""
        self._emitted[key] = stamp
        if len(self._emitted) > EMITTED_LIMIT:
            del self._emitted[next(iter(self._emitted))]

    def step(self, now_s: float) -> list[tuple[str, Stamp]]:
        """A few names of the look in progress: those that may be new. Raises OSError if the root is gone."""
        if self._names is None:
            if now_s < self._next_s:
                return []
            self._began_ns = self._now()
            self._names = image_keys(self._root, Counter())
        found = []
        names = list(islice(self._names, STEP_NAMES))
        for key in names:
            stamp = stamp_of(self._root / key)
            if stamp is not None and self._emitted.get(key) != stamp and self._may_be_new(key, stamp):
                found.append((key, stamp))
        if len(names) < STEP_NAMES:
            self._names = None
            self._next_s = 0.0 if self._hurried else now_s + self._pause_s
            self._hurried = False
            self._first = False
            self._new_folders.clear()
        return found

    def hurry(self) -> None:
        """Something may have been missed: the next look begins at once, after the one in progress."""
        self._next_s = 0.0
        self._hurried = self._names is not None

    @property
    def resting(self) -> bool:
        """Whether no look is in progress, which is when the watermark may rise."""
        return self._names is None

    def settle_watermark(self, oldest_pending_ns: int | None) -> None:
        """Everything is announced that changed before the last complete look, but for what is pending."""
        moment_ns = min(self._began_ns, oldest_pending_ns or self._began_ns) - MARGIN_NS
        if moment_ns <= self._since_ns:
            return
        self._since_ns = moment_ns
        self._emitted = {key: stamp for key, stamp in self._emitted.items() if stamp.changed_ns >= moment_ns}
        try:
            self._watermark.write_ns(moment_ns)
        except OSError as error:
            get_logger().warning(
                "watermark not kept: the next start repeats more", cause=type(error).__name__
            )

    def _may_be_new(self, key: str, stamp: Stamp) -> bool:
        if stamp.changed_ns >= self._since_ns or (self._first and self._in_new_folder(Path(key).parent)):
            return True
        if not self._sidecar_required:
            return False
        # An image that waited for its side-car when the door closed has an old ctime.
        sidecar = stamp_of(self._root / sidecar_of(key))
        return sidecar is None or sidecar.changed_ns >= self._since_ns

    def _in_new_folder(self, folder: Path) -> bool:
        """Whether a folder on the way changed since the watermark: one that was moved in as a whole while
        the door was closed leaves the ctimes of its files as they were."""
        if folder == Path():
            return False
        if folder not in self._new_folders:
            try:
                new = os.lstat(self._root / folder).st_ctime_ns >= self._since_ns
            except OSError:
                new = False
            self._new_folders[folder] = new or self._in_new_folder(folder.parent)
        return self._new_folders[folder]

    def _read(self) -> int:
        try:
            return self._watermark.read_ns()
        except OSError:
            return 0

    def _now(self) -> int:
        """Falls back to a watermark that never rises where nothing may be written in the folder."""
        try:
            return self._watermark.now_ns()
        except OSError as error:
            get_logger().warning(
                "the folder is not writable: every start repeats", cause=type(error).__name__
            )
            return 0
