"""The reconciler finds what notifications lost, on a real database and broker, in flat memory."""

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.ledger import ledger
from evenscreen.pipeline.store import Fetched, Listed, Store
from evenscreen.pipeline.store.file import FileStore
from evenscreen.producers.patience import Patience
from evenscreen.producers.publish import Publisher
from evenscreen.producers.reconciler import Report, reconcile
from evenscreen.schemas.errors import Transient
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.settings import ReconcilerSettings

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Synthetic(Store):
    """A bucket of `objects` images that are made up while they are listed."""

    def __init__(self, bucket: str, objects: int, breaks_after: int | None = None) -> None:
        self.bucket = bucket
        self._objects = objects
        self._breaks_after = breaks_after

    def list(self) -> Iterator[Listed]:
        for number in range(self._objects):
            if number == self._breaks_after:
                raise Transient("storage", "503")
            yield Listed(
                f"ward/{number:09d}.jpg", f"{number:032x}", 1000, LONG_AGO + timedelta(seconds=number)
            )

    def head(self, key: str) -> Listed | None:
        raise NotImplementedError

    def get(self, key: str, *, etag: str, version_id: str | None, max_bytes: int) -> Fetched:
        raise NotImplementedError

    def put(self, key: str, source: Path, metadata: Mapping[str, str]) -> Listed:
        raise NotImplementedError

    def check(self) -> None:
        """Nothing to reach."""


class Scene:
    def __init__(self, reach: Reach, name: str) -> None:
        self.settings = ReconcilerSettings(
            kafka=reach.kafka,
            bucket=f"s3://{name}",
            database_url=reach.database_urls["door"],
            reconcile_grace_s=0,
        )
        self.bucket = name
        self.engine = open_database(self.settings.database_url, application_name="test", pool_size=4)
        self.owner = open_database(reach.database_urls["owner"], application_name="test", pool_size=1)

    def reconcile(self, store: Store, **settings: Any) -> Report:
        chosen = self.settings.model_copy(update=settings)
        with closing(Publisher(chosen)) as publisher:
            return reconcile(chosen, {store.bucket: store}, self.engine, publisher, patience=Patience(0))

    def arrived(self, *events: ImageArrived) -> None:
        with transaction(self.owner) as connection:
            arrive(connection, events, "none")

    def rows(self, statement: str) -> list[Any]:
        with transaction(self.owner) as connection:
            return list(connection.execute(text(statement)))


@pytest.fixture
def scene(fresh_database: Reach, unique_name: Callable[[str], str]) -> Iterator[Scene]:
    scene = Scene(fresh_database, unique_name("bucket"))
    yield scene
    scene.engine.dispose()
    scene.owner.dispose()


def test_missing_images_are_announced_and_the_walk_is_complete(scene: Scene, arrivals: Any) -> None:
    reader = arrivals(scene.bucket)
    report = scene.reconcile(Synthetic(scene.bucket, 2_500))
    assert (report.buckets[0].listed, report.buckets[0].missing) == (2_500, 2_500)
    events = reader.until(2_500)
    assert len({event.key for event in events}) == len(events) == 2_500
    assert {event.door for event in events} == {"reconciler"}
    ((completed, objects, emitted),) = scene.rows("SELECT completed_at, objects, emitted FROM walks")
    assert completed is not None
    assert (objects, emitted) == (2_500, 2_500)


def test_only_what_never_arrived_is_missing(scene: Scene, arrivals: Any, tmp_path: Path) -> None:
    store = FileStore(tmp_path, bucket=scene.bucket)
    for name in ("known.jpg", "lost.jpg"):
        (tmp_path / name).write_text(name)
    known = store.head("known.jpg")
    assert known is not None
    scene.arrived(
        ImageArrived(
            bucket=scene.bucket, key="known.jpg", etag=known.etag, last_modified=LONG_AGO, door="folder"
        )
    )
    # The arrival is younger than this grace, the file is not: time is on the file's side.
    reader = arrivals(scene.bucket)
    with transaction(scene.owner) as connection:
        connection.execute(text("UPDATE arrivals SET first_seen_at = now() + interval '1 hour'"))
    report = scene.reconcile(store)
    assert (report.buckets[0].missing, report.buckets[0].stuck) == (1, 0)
    assert [event.key for event in reader.until(1)] == ["lost.jpg"]


def test_a_wrong_clock_hides_no_image_and_ends_no_walk(scene: Scene, arrivals: Any) -> None:
    """Some servers pass on the clock of whoever wrote the file."""
    reader = arrivals(scene.bucket)
    times = [datetime(2100, 1, 1, tzinfo=UTC), datetime(1903, 1, 1, tzinfo=UTC), LONG_AGO]
    store = Synthetic(scene.bucket, len(times))
    listed = [replace(one, last_modified=time) for one, time in zip(store.list(), times, strict=True)]
    store.list = lambda: iter(listed)  # type: ignore[method-assign]
    report = scene.reconcile(store, reconcile_grace_s=0)
    assert report.buckets[0].missing == len(times)
    assert len(reader.until(len(times))) == len(times)


def test_young_images_are_left_to_the_doors(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "fresh.jpg").write_bytes(b"pixels")
    report = scene.reconcile(FileStore(tmp_path, bucket=scene.bucket), reconcile_grace_s=300)
    assert (report.buckets[0].listed, report.emitted) == (1, 0)


def test_arrival_whose_object_is_gone_is_announced_again(scene: Scene, arrivals: Any) -> None:
    """The worker then finds that nothing stands there, and ends it."""
    lost = ImageArrived(
        bucket=scene.bucket, key="deleted.jpg", etag="e", last_modified=LONG_AGO, door="notification"
    )
    scene.arrived(lost)
    reader = arrivals(scene.bucket)
    report = scene.reconcile(Synthetic(scene.bucket, 0))
    assert (report.buckets[0].listed, report.buckets[0].stuck) == (0, 1)
    (event,) = reader.until(1)
    assert event.screening_id == lost.screening_id
    assert event.trace_id == lost.trace_id


def test_ledger_adds_up_after_deletions(scene: Scene, tmp_path: Path) -> None:
    store = FileStore(tmp_path, bucket=scene.bucket)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text(name)
    scene.reconcile(store)
    (tmp_path / "a.jpg").unlink()
    scene.reconcile(store)
    with transaction(scene.owner) as connection:
        counted = ledger(connection, grace_s=0)
    assert (counted.listed, counted.missing) == (1, 1)


def test_walk_that_breaks_off_is_not_complete_and_the_next_one_repairs(scene: Scene, arrivals: Any) -> None:
    reader = arrivals(scene.bucket)
    with pytest.raises(Transient):
        scene.reconcile(Synthetic(scene.bucket, 3_000, breaks_after=1_500))
    assert scene.rows("SELECT 1 FROM walks WHERE completed_at IS NOT NULL") == []
    assert scene.reconcile(Synthetic(scene.bucket, 3_000)).buckets[0].listed == 3_000
    assert len({event.key for event in reader.until(3_000)}) == 3_000


def test_two_at_once_do_not_disturb_each_other(scene: Scene, arrivals: Any) -> None:
    reader = arrivals(scene.bucket)
    reports: list[Report] = []
    threads = [
        threading.Thread(target=lambda: reports.append(scene.reconcile(Synthetic(scene.bucket, 3_000))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.buckets[0].listed for report in reports] == [3_000, 3_000]
    assert len({event.key for event in reader.until(6_000)}) == 3_000
    assert scene.rows("SELECT count(*) FROM listings")[0][0] == 3_000


def peak_bytes(walk: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        walk()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_bucket(scene: Scene) -> None:
    """Younger than the grace, so that the walk alone is measured: every object is listed and compared."""
    scene.reconcile(Synthetic(scene.bucket, 1_000), reconcile_grace_s=1e9)
    small = peak_bytes(lambda: scene.reconcile(Synthetic(scene.bucket, 2_000), reconcile_grace_s=1e9))
    large = peak_bytes(lambda: scene.reconcile(Synthetic(scene.bucket, 20_000), reconcile_grace_s=1e9))
    assert large < small + 1_000_000
