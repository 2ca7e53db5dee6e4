"""The door that watches a `file://` bucket: drop an image into the folder and it is screened.

What was dropped while the door was closed is announced when it opens, since nobody expects a folder to
have office hours; the watermark keeps that cheap. A folder's first opening announces all that is in it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from watchfiles import Change, watch

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.open import folder_of
from evenscreen.pipeline.telemetry import counter
from evenscreen.producers.duty import Duty
from evenscreen.producers.folder_intake import FolderIntake
from evenscreen.producers.folder_scan import FolderScan
from evenscreen.producers.late_sidecar import late_report
from evenscreen.producers.listed import arrived
from evenscreen.producers.publish import Message, arrival, report
from evenscreen.producers.settle import Stamp, stamp_of
from evenscreen.producers.sidecar import Ready
from evenscreen.schemas import metrics
from evenscreen.schemas.errors import Fatal, Rejected, Transient
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door
from evenscreen.schemas.settings import FolderSettings

TICK_MS = 50
STEP_MS = 10
GROUP_MS = 100
BATCH_IMAGES = 200
BROKEN_OFF_S = 0.5
IN_HAND_LIMIT = 5_000
"""Above this many images in hand the look at the whole folder pauses."""


class Publishes(Protocol):
    """The part of `Publisher` that a door needs."""

    def publish(self, messages: list[Message], /) -> None: ...


def watched_folder(settings: FolderSettings) -> Path:
    """The one folder among the buckets, absolute. Raises `Fatal` for none or several."""
    folders = [url for url in settings.bucket_urls if url.startswith("file://")]
    if len(folders) != 1:
        raise Fatal(
            f"EVENSCREEN_BUCKET names {len(folders)} folders (file://…); each `watch` watches exactly one."
        )
    return folder_of(folders[0])


class DropFolder:
    """Watches for as long as its duty lasts. An image is announced at least once for each of its contents."""

    def __init__(
        self,
        settings: FolderSettings,
        store: Store,
        publisher: Publishes,
        duty: Duty,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = watched_folder(settings)
        self._store = store
        self._publisher = publisher
        self._duty = duty
        self._clock = clock
        self._intake = FolderIntake(self._root, settings)
        self._scan = FolderScan(
            self._root, pause_s=settings.rescan_s, sidecar_required=settings.sidecar == "required"
        )

    def run(self) -> None:
        """Until the duty ends. Raises `Fatal` when the folder cannot be watched."""
        try:
            for batch in self._changes():
                # Only now does the system watch: a look taken before would miss what comes in between.
                self._duty.health.ready(True)
                self.tick(batch)
        except OSError as error:
            raise Fatal(
                f"The folder cannot be watched ({type(error).__name__}). If it holds very many folders, "
                "raise fs.inotify.max_user_watches; on a network share set WATCHFILES_FORCE_POLLING=1."
            ) from None

    def _changes(self) -> Iterator[set[tuple[Change, str]]]:
        """Groups of changes, empty ones now and then, until the duty ends."""
        while not self._duty.stop.is_set():
            try:
                yield from watch(
                    self._root,
                    watch_filter=None,
                    stop_event=self._duty.stop,
                    rust_timeout=TICK_MS,
                    step=STEP_MS,
                    debounce=GROUP_MS,
                    yield_on_timeout=True,
                    ignore_permission_denied=True,
                )
            except RuntimeError:
                # How watchfiles ends at a name that is not UTF-8, which no event could carry either.
                get_logger().warning("the watch broke off at a name that is not UTF-8, and begins anew")
                self._scan.hurry()
                self._duty.stop.wait(BROKEN_OFF_S)

    def tick(self, changes: Iterable[tuple[Change, str]]) -> None:
        """One round: note what changed, look a little further, announce what is complete."""
        now_s = self._clock()
        self._intake.note(changes, now_s)
        if len(self._intake) < IN_HAND_LIMIT:
            for key, stamp in self._duty.ride_out(lambda: self._looked(now_s)):
                self._intake.found(key, stamp, now_s)
        self._announce(self._intake.take_ready(now_s, BATCH_IMAGES))
        self._report_late(self._intake.take_late())
        if self._scan.resting:
            self._scan.settle_watermark(self._intake.oldest_change_ns())

    def _looked(self, now_s: float) -> list[tuple[str, Stamp]]:
        try:
            return self._scan.step(now_s)
        except OSError as error:
            raise Transient("storage", type(error).__name__) from None

    def _announce(self, ready: list[Ready]) -> None:
        """Publishes, then remembers: a crash in between repeats."""
        announced: list[tuple[Ready, ImageArrived]] = []
        for image in ready:
            event = self._duty.ride_out(lambda image=image: self._event(image))  # type: ignore[misc]
            if event is not None:
                announced.append((image, event))
        if not announced:
            return
        messages = [arrival(event) for _image, event in announced]
        self._duty.ride_out(lambda: self._publisher.publish(messages))
        for image, event in announced:
            self._scan.emitted(image.key, image.stamp)
            if image.sidecar is not None:
                counter(metrics.SIDECARS).labels(state="with" if image.sidecar else "without").inc()
            get_logger().info("image announced", screening_id=str(event.screening_id), sidecar=image.sidecar)

    def _report_late(self, keys: list[str]) -> None:
        """What late side-cars say of skin types goes its own way, to be known from now on."""
        reports = [
            self._duty.ride_out(lambda key=key: late_report(self._root, self._store, key))  # type: ignore[misc]
            for key in keys
        ]
        messages = [report(one) for one in reports if one is not None]
        if messages:
            self._duty.ride_out(lambda: self._publisher.publish(messages))
            get_logger().info("late skin types reported", reports=len(messages))

    def _event(self, image: Ready) -> ImageArrived | None:
        """None for a file that is gone, forbidden, or changed meanwhile: that one begins its wait anew."""
        try:
            listed = self._store.head(image.key)
        except Rejected as rejected:
            get_logger().warning("a file cannot be announced: check its permissions", reason=rejected.reason)
            return None
        stamp = stamp_of(self._root / image.key)
        if stamp is None or listed is None:
            return None
        if stamp != image.stamp:
            self._intake.again(image.key, stamp, self._clock())
            return None
        return arrived(self._store.bucket, listed, Door.FOLDER)
