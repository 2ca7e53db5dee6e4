"""From one notification to the arrivals it announces: what it does not say, the store is asked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.names import is_image_key
from evenscreen.producers.dialects import Dialect, ObjectReference, normalise
from evenscreen.producers.listed import arrived
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door


@dataclass
class Announced:
    """What becomes of one message: its events, its records by dialect and fate, what could not be read."""

    events: list[ImageArrived] = field(default_factory=list)
    fates: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def unreadable(self) -> str:
        """Why the message must be kept as a dead letter: problems and their counts; empty if it need not."""
        return ", ".join(f"{count} x {problem}" for problem, count in sorted(Counter(self.problems).items()))


class Announcer:
    """Reads notifications about any bucket; asks the configured `stores` where an ETag is missing.

    An object of a bucket that is not configured is announced all the same: the worker rejects it as
    BUCKET_UNKNOWN, where an operator sees it, while silence here would hide a wrong configuration.
    """

    def __init__(self, stores: Mapping[str, Store], forced: Dialect | None = None) -> None:
        self._stores = stores
        self._forced = forced

    def read(self, raw: bytes, received_at: datetime) -> Announced:
        """Everything that one message announces. Raises `Transient` or `Fatal` where a store is asked."""
        message = normalise(raw, received_at, self._forced)
        announced = Announced()
        for ignored, count in message.ignored.items():
            announced.fates[message.dialect, ignored] += count
        for problem in message.problems:
            announced.fates[message.dialect, "unreadable"] += 1
            announced.problems.append(problem)
        for reference in message.objects:
            announced.fates[message.dialect, self._announce(reference, announced)] += 1
        return announced

    def _announce(self, reference: ObjectReference, announced: Announced) -> str:
        """Adds the reference's event, or says why there is none."""
        if not is_image_key(reference.key):
            return "not_image"
        if reference.etag is not None:
            announced.events.append(_event(reference, reference.etag))
            return "published"
        if (store := self._stores.get(reference.bucket)) is None:
            # Without a store to ask there is no ETag, so no identity that an event could carry.
            announced.problems.append("bucket_unknown")
            return "unreadable"
        try:
            now = store.head(reference.key)
        except Rejected as rejected:
            announced.problems.append(rejected.reason)
            return "unreadable"
        if now is None:
            return "gone"
        announced.events.append(arrived(reference.bucket, now, Door.NOTIFICATION))
        return "published"


def _event(reference: ObjectReference, etag: str) -> ImageArrived:
    return ImageArrived(
        bucket=reference.bucket,
        key=reference.key,
        etag=etag,
        size_bytes=reference.size_bytes,
        version_id=reference.version_id,
        last_modified=reference.last_modified,
        door=Door.NOTIFICATION,
    )
