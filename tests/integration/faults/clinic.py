"""A clinic to break: a bucket, a topic, a database, workers, and the questions asked in the end."""

import hashlib
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import Ledger, ledger
from evenscreen.pipeline.retry import Weather
from evenscreen.pipeline.store.base import Listed
from evenscreen.pipeline.store.file import FileStore
from evenscreen.pipeline.walk import begin_walk, compare_page, complete_walk
from evenscreen.producers.publish import Message, Publisher, arrival
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.identity import screening_id
from evenscreen.schemas.reasons import Door
from evenscreen.schemas.topics import IMAGES_ARRIVED

from .database import Database
from .group import Group
from .photographs import photograph
from .workers import Crew, eventually

PATIENT = Weather(threading.Event(), cap_s=1, on_retry=lambda _problem, _pause_s: None)
TABLES = ("arrivals", "audit_records", "predictions", "dead_letters", "outbox", "patients", "models")


@dataclass
class Clinic:
    """One bucket (a folder), one consumer group, one database, and the crew that works there."""

    folder: Path
    group: Group
    crew: Crew
    engine: Engine
    publisher: Publisher
    database: Database
    events: list[ImageArrived] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.store = FileStore(self.folder)

    def put(self, name: str, content: bytes) -> ImageArrived:
        """A file in the bucket, and the event that announces it, which is not sent yet."""
        (self.folder / name).write_bytes(content)
        event = ImageArrived(
            bucket=self.store.bucket,
            key=name,
            etag=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            last_modified=datetime.now(UTC),
            door=Door.NOTIFICATION,
        )
        self.events.append(event)
        return event

    def photographs(self, count: int) -> list[ImageArrived]:
        """New photographs in the bucket, not announced yet; every third is malignant."""
        numbers = list(itertools.islice(self.numbers, count))
        return [self.put(f"image-{n}.png", photograph(n, malignant=n % 3 == 0)) for n in numbers]

    def announce(self, events: Iterable[ImageArrived]) -> None:
        """On the topic, acknowledged by the broker."""
        self.publisher.publish([arrival(event) for event in events])

    def send_raw(self, values: Sequence[bytes]) -> None:
        """Messages as they are."""
        self.publisher.publish([Message(IMAGES_ARRIVED, value[:16], value) for value in values])

    def rows(self, query: str, **parameters: object) -> list[tuple[object, ...]]:
        """The answer to a question, once the database can give one."""
        return PATIENT.ride_out(lambda: self._rows(query, parameters))

    def _rows(self, query: str, parameters: dict[str, object]) -> list[tuple[object, ...]]:
        with transaction(self.engine) as connection:
            return [tuple(row) for row in connection.execute(text(query), parameters)]

    def count(self, table: str) -> int:
        return int(str(self.rows(f"SELECT count(*) FROM {table}")[0][0]))

    def ended(self) -> set[UUID]:
        """Images with a terminal row."""
        return {UUID(str(id_)) for (id_,) in self.rows("SELECT screening_id FROM audit_records")}

    def done(self) -> set[UUID | str]:
        """Images with a terminal row, and the SHA-256 of buried messages."""
        buried = self.rows("SELECT event_sha256 FROM dead_letters WHERE audit_id IS NULL")
        return {*self.ended(), *(str(sha256) for (sha256,) in buried)}

    def wait_until_ended(self, events: Iterable[ImageArrived] | None = None) -> None:
        """Until every one of `events` (default: all of this clinic) has a terminal row."""
        wanted = {event.screening_id for event in (self.events if events is None else events)}
        eventually("every image has ended", lambda: wanted <= self.ended() or not self._somebody_works())
        assert wanted <= self.ended(), self.crew.output()[-3000:]

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table that screening writes."""
        return {table: sorted(self.rows(f"SELECT CAST(t AS text) FROM {table} AS t")) for table in TABLES}

    def walk(self) -> Ledger:
        """List the whole bucket as the reconciler does, then count."""
        listed = list(self.store.list())
        with transaction(self.engine) as connection:
            walk_id = begin_walk(connection, self.store.bucket)
            page = [(self._id(one), one.last_modified) for one in listed]
            compare_page(connection, walk_id, page, self.store.bucket, 0)
            complete_walk(connection, walk_id, objects=len(listed), emitted=0)
        with transaction(self.engine) as connection:
            return ledger(connection, grace_s=0)

    def assert_nothing_acknowledged_undone(self) -> None:
        """At this very moment: whatever the group will not read again has left its row."""
        committed = self.group.committed()  # before the rows, which only grow
        assert self.group.lost(committed, self.done()) == 0

    def assert_exactly_once(self) -> Ledger:
        """Every image of the bucket has one terminal row with all that hangs on it, all acknowledged."""
        known = {event.screening_id for event in self.events}
        assert self.ended() == known
        assert self.count("audit_records") == len(known)
        for outcome, table in (("screened", "predictions"), ("rejected", "dead_letters")):
            odd = f"SELECT FROM audit_records r LEFT JOIN {table} x USING (audit_id)"
            assert self.rows(f"{odd} WHERE (r.outcome = '{outcome}') <> (x.audit_id IS NOT NULL)") == []
        flagged = self.rows("SELECT count(*) FROM predictions WHERE flagged")[0][0]
        assert self.count("outbox") == flagged
        counted = self.walk()
        assert counted.known == len(known)
        assert counted.in_flight == counted.missing == counted.young == 0
        eventually("all is acknowledged", lambda: self.group.behind() == 0 or not self._somebody_works())
        assert self.group.behind() == 0, self.crew.output()[-3000:]
        self.assert_nothing_acknowledged_undone()
        return counted

    def _id(self, one: Listed) -> UUID:
        return screening_id(self.store.bucket, one.key, one.etag)

    def _somebody_works(self) -> bool:
        return any(worker.alive for worker in self.crew.workers)
