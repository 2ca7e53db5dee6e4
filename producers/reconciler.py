"""Notifications get lost; listings do not: walk the bucket and announce what nothing has screened.

Safe at any time, any number of times, several at once: identity makes a repeated announcement harmless.
Memory stays flat: one page of the listing is held at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Engine

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.base import Listed, Store
from evenscreen.pipeline.walk import PageResult, begin_walk, compare_page, complete_walk, stuck_arrivals
from evenscreen.producers.listed import arrived
from evenscreen.producers.patience import Patience
from evenscreen.producers.publish import Publisher, arrival
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door
from evenscreen.schemas.settings import ReconcilerSettings


@dataclass(frozen=True)
class BucketReport:
    """What one complete walk found: images listed, announced because missing, announced because stuck."""

    bucket: str
    listed: int
    missing: int
    stuck: int

    @property
    def emitted(self) -> int:
        return self.missing + self.stuck


@dataclass(frozen=True)
class Report:
    """Every configured bucket, in the order of the settings."""

    buckets: tuple[BucketReport, ...]

    @property
    def emitted(self) -> int:
        return sum(bucket.emitted for bucket in self.buckets)


class Reconciler:
    """Walks buckets. A walk that raises is not complete, and what it has published stays published."""

    def __init__(
        self,
        settings: ReconcilerSettings,
        engine: Engine,
        publisher: Publisher,
        patience: Patience,
        progress: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._publisher = publisher
        self._patience = patience
        self._progress = progress

    def walk(self, store: Store) -> BucketReport:
        """One bucket. Raises `Transient` when weather outlasts the patience, or the listing breaks off."""
        # Step 1: arrivals without an end, listed or not: the worker finds out what became of the object.
        stuck = self._announce_stuck(store.bucket)
        # Step 2: number the walk.
        walk_id = self._patience.ride_out(lambda: self._begun(store.bucket))
        # Step 3: page by page, note what is listed and announce what never arrived.
        listed = missing = 0
        for page in pages(store.list(), self._settings.walk_page):
            named = (_event(store.bucket, one) for one in page)
            events = {event.screening_id: event for event in named if event is not None}
            result = self._patience.ride_out(lambda e=events: self._compared(walk_id, store.bucket, e))  # type: ignore[misc]
            self._publish([events[id_] for id_ in result.missing])
            listed += len(events)
            missing += len(result.missing)
            self._progress(len(events))
        # Step 4: everything is published, so the walk may count as complete.
        self._patience.ride_out(lambda: self._completed(walk_id, listed, missing + stuck))
        return BucketReport(store.bucket, listed, missing, stuck)

    def _announce_stuck(self, bucket: str) -> int:
        announced = 0
        after: UUID | None = None
        while True:
            events = self._patience.ride_out(lambda after=after: self._stuck(bucket, after))  # type: ignore[misc]
            self._publish(events)
            announced += len(events)
            if len(events) < self._settings.walk_page:
                return announced
            after = events[-1].screening_id

    def _publish(self, events: list[ImageArrived]) -> None:
        if events:
            messages = [arrival(event) for event in events]
            self._patience.ride_out(lambda: self._publisher.publish(messages))

    def _begun(self, bucket: str) -> int:
        with transaction(self._engine) as connection:
            return begin_walk(connection, bucket)

    def _compared(self, walk_id: int, bucket: str, events: Mapping[UUID, ImageArrived]) -> PageResult:
        listed = [(id_, event.last_modified) for id_, event in events.items()]
        with transaction(self._engine) as connection:
            return compare_page(
                connection, walk_id, listed, bucket=bucket, grace_s=self._settings.reconcile_grace_s
            )

    def _stuck(self, bucket: str, after: UUID | None) -> list[ImageArrived]:
        with transaction(self._engine) as connection:
            return stuck_arrivals(
                connection, bucket, self._settings.reconcile_grace_s, after, self._settings.walk_page
            )

    def _completed(self, walk_id: int, listed: int, emitted: int) -> None:
        with transaction(self._engine) as connection:
            complete_walk(connection, walk_id, objects=listed, emitted=emitted)


def reconcile(
    settings: ReconcilerSettings,
    stores: Mapping[str, Store],
    engine: Engine,
    publisher: Publisher,
    progress: Callable[[int], None] = lambda _listed: None,
    patience: Patience | None = None,
) -> Report:
    """Walks every store and announces what is missing, and what is in flight longer than the grace.

    `progress` hears how many objects each page held. When it returns, every announcement is acknowledged
    by Kafka and every walk is complete in Postgres. Raises `Transient` in lasting bad weather, `Fatal`.
    """
    reconciler = Reconciler(settings, engine, publisher, patience or Patience(), progress)
    return Report(tuple(reconciler.walk(store) for store in stores.values()))


def pages(listed: Iterator[Listed], size: int) -> Iterator[list[Listed]]:
    """The listing in lists of at most `size`."""
    while page := list(islice(listed, size)):
        yield page


def _event(bucket: str, listed: Listed) -> ImageArrived | None:
    """None, and a warning, for an object that no event can name: one such must not end the walk."""
    try:
        return arrived(bucket, listed, Door.RECONCILER)
    except ValidationError:
        get_logger().warning("an object cannot be announced: rename it", bucket=bucket)
        return None
