"""What the folder door has in hand: files that may still grow, images that wait for their side-car."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from watchfiles import Change

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.names import SIDECAR_SUFFIX, is_image_key, is_image_name, sidecar_of
from evenscreen.pipeline.store.walk import image_keys
from evenscreen.pipeline.telemetry import counter, gauge
from evenscreen.producers.settle import Settler, Stamp, stamp_of
from evenscreen.producers.sidecar import Pairing, Ready
from evenscreen.schemas import metrics
from evenscreen.schemas.settings import FolderSettings


class FolderIntake:
    """From changes in the folder `root` to images that are ready. Times: seconds of one monotonic clock."""

    def __init__(self, root: Path, settings: FolderSettings) -> None:
        self._root = root
        self._images = Settler(settings.settle_s)
        self._sidecars = Settler(settings.settle_s)
        self._pairing = Pairing(settings.sidecar, settings.sidecar_wait_s)
        self._uses_sidecars = settings.sidecar != "off"
        self._late: list[str] = []

    def __len__(self) -> int:
        """How many images are moving or ready."""
        return len(self._images) + self._pairing.ready

    def note(self, changes: Iterable[tuple[Change, str]], now_s: float) -> None:
        """The system says that these absolute paths were added, changed or removed."""
        changes = list(changes)
        placed = renamed_into_place(changes)
        for _change, name in changes:
            path = Path(name)
            key = path.relative_to(self._root).as_posix()
            if is_image_key(key):
                self._note_image(key, path, now_s, renamed=name in placed)
            elif self._uses_sidecars and is_image_key(key.removesuffix(SIDECAR_SUFFIX)):
                self._note_sidecar(key, path, now_s, renamed=name in placed)

    def found(self, key: str, stamp: Stamp, now_s: float) -> None:
        """A look at the folder found an image that may be new."""
        if key not in self._pairing:
            self._images.observe(key, stamp, now_s)

    def again(self, key: str, stamp: Stamp, now_s: float) -> None:
        """An image changed while it was being announced."""
        self._images.observe(key, stamp, now_s)

    def take_ready(self, now_s: float, limit: int) -> list[Ready]:
        """At most `limit` images that are complete and wait for nothing any more."""
        waited = self._pairing.waiting
        self._settle_images(now_s)
        self._settle_sidecars(now_s)
        ready = self._pairing.take_ready(now_s, limit)
        gauge(metrics.WAITING_FOR_SIDECAR).set(self._pairing.waiting)
        if self._pairing.waiting > waited:
            get_logger().info("images wait for their side-car", waiting=self._pairing.waiting)
        return ready

    def take_late(self) -> list[str]:
        """Images that were announced without the side-car that has come since."""
        late, self._late = self._late, []
        return late

    def oldest_change_ns(self) -> int | None:
        """The earliest ctime among the images in hand."""
        oldest = (self._images.oldest_change_ns(), self._pairing.oldest_change_ns())
        return min((ns for ns in oldest if ns is not None), default=None)

    def _note_image(self, key: str, path: Path, now_s: float, *, renamed: bool) -> None:
        if (stamp := stamp_of(path)) is not None:
            self._pairing.forget(key)
            self._images.observe(key, stamp, now_s, in_place=renamed and stamp.size_bytes > 0)
        elif os.path.isdir(path) and not os.path.islink(path):
            self._note_folder(key, path, now_s)
        else:
            self._images.forget(key)
            self._pairing.forget(key)

    def _note_folder(self, prefix: str, folder: Path, now_s: float) -> None:
        """Files may have been in a folder before the system began to watch it."""
        try:
            for inner in image_keys(folder, Counter()):
                if (stamp := stamp_of(folder / inner)) is not None:
                    self.found(f"{prefix}/{inner}", stamp, now_s)
        except OSError:
            get_logger().warning("a new folder cannot be read: check its permissions")

    def _note_sidecar(self, key: str, path: Path, now_s: float, *, renamed: bool) -> None:
        if (stamp := stamp_of(path)) is not None:
            self._sidecars.observe(key, stamp, now_s, in_place=renamed and stamp.size_bytes > 0)
        else:
            self._sidecars.forget(key)

    def _settle_images(self, now_s: float) -> None:
        for key in self._images.due(now_s):
            stamp = stamp_of(self._root / key)
            if stamp is None:
                self._images.forget(key)
            elif self._images.confirm(key, stamp, now_s):
                sidecar = self._uses_sidecars and self._has_sidecar(key, stamp, now_s)
                self._pairing.image_settled(key, stamp, now_s, sidecar=sidecar)

    def _settle_sidecars(self, now_s: float) -> None:
        """After the images: of two files that settle together the image must be waiting already."""
        for key in self._sidecars.due(now_s):
            stamp = stamp_of(self._root / key)
            if stamp is None:
                self._sidecars.forget(key)
            elif self._sidecars.confirm(key, stamp, now_s) and self._pairing.sidecar_settled(
                image := key.removesuffix(SIDECAR_SUFFIX)
            ):
                counter(metrics.SIDECARS).labels(state="late").inc()
                get_logger().warning("a side-car came after its image had been announced without it")
                self._late.append(image)

    def _has_sidecar(self, key: str, image: Stamp, now_s: float) -> bool:
        """Whether a complete side-car stands beside a settled image; one that may still grow is watched."""
        sidecar = sidecar_of(key)
        stamp = stamp_of(self._root / sidecar)
        if stamp is None:
            return False
        # Unchanged since before the image changed last: it has stood still at least as long.
        if sidecar not in self._sidecars and stamp.changed_ns <= image.changed_ns:
            return True
        self._sidecars.observe(sidecar, stamp, now_s)
        return False


def renamed_into_place(changes: Sequence[tuple[Change, str]]) -> set[str]:
    """The paths of this group of changes that were renamed to their names, so that they are complete.

    A file that is copied is added and then modified. One that is renamed is only added, while a hidden or
    temporary name goes: where there are as many of these as of those in a folder, nothing else can have come.
    """
    modified = {name for change, name in changes if change is Change.modified}
    came: defaultdict[str, set[str]] = defaultdict(set)
    went: Counter[str] = Counter()
    for change, name in changes:
        folder, base = os.path.split(name)
        temporary = not is_image_name(base.removesuffix(SIDECAR_SUFFIX))
        if change is Change.deleted and temporary:
            went[folder] += 1
        elif change is Change.added and not temporary and name not in modified:
            came[folder].add(name)
    return set().union(*(names for folder, names in came.items() if len(names) == went[folder]))
