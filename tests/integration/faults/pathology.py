"""A pathology that reports: a group of label workers, a database, and the questions asked in the end."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy import Engine, text

from evenscreen.infra.local.reach import Reach, environment
from evenscreen.infra.local.state import State
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.labels.record import outcome_row
from evenscreen.producers.import_frame import announce
from evenscreen.producers.publish import Message, Publisher, report
from evenscreen.schemas.events import ImportAnnounced, LabelArrived
from evenscreen.schemas.labels import ImportStep
from evenscreen.schemas.settings import KafkaSettings
from evenscreen.schemas.topics import LABELS_ARRIVED

from .database import Database
from .group import Group
from .workers import Crew, Worker, crew, eventually

NO_FILE = UUID(int=1)
"""The batch of reports that came one by one."""


@dataclass
class Pathology:
    """One consumer group on `labels.arrived`, one database, and the crew that works there."""

    group: Group
    crew: Crew
    engine: Engine
    publisher: Publisher
    database: Database
    labels: list[LabelArrived] = field(default_factory=list)
    files: dict[UUID, set[str]] = field(default_factory=dict)
    """Ids of the reports of a batch that came as one file."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, **settings: str) -> Worker:
        """A new label worker; small batches, so that many transactions are there to be killed in."""
        return self.crew.start("worker", "labels", **{"batch_labels": "10"} | settings)

    def file(self, count: int) -> None:
        """New outcomes as an import publishes them, between its begin and its end."""
        batch = uuid4()
        said = {"batch_id": batch, "reports": count, "announced_by": "pathology"}
        for step in (ImportStep.BEGUN, ImportStep.FINISHED):
            announced = ImportAnnounced(step=step, announced_at=datetime.now(UTC), **said)
            announce(self.publisher, announced)
            if step is ImportStep.BEGUN:
                self.files[batch] = set(map(_id, self.reports(count, batch)))

    def reports(self, count: int, batch: UUID = NO_FILE) -> list[LabelArrived]:
        """New outcomes of images that nobody has seen, published and acknowledged by the broker."""
        made = [
            LabelArrived.model_validate(
                {
                    "screening_id": uuid4(),
                    "outcome": {"malignant": number % 3 == 0, "source": "histopathology"},
                    "reported_at": datetime(2026, 3, 1, tzinfo=UTC),
                    "imported_by": "pathology",
                    "batch_id": batch,
                    "row": None if batch == NO_FILE else number + 2,
                }
            )
            for number in itertools.islice(self.numbers, count)
        ]
        self.labels += made
        self.publish(made)
        return made

    def publish(self, labels: Iterable[LabelArrived]) -> None:
        self.publisher.publish([report(label) for label in labels])

    def send_raw(self, values: Iterable[bytes]) -> None:
        """Messages as they are."""
        self.publisher.publish([Message(LABELS_ARRIVED, value[:16], value) for value in values])

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with transaction(self.engine) as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def recorded(self) -> set[str]:
        """Ids of the reports that count."""
        return {str(id_) for (id_,) in self.rows("SELECT report_id FROM ground_truth")}

    def held(self) -> set[str]:
        """Ids of the reports that wait for the end of their file."""
        return {str(id_) for (id_,) in self.rows("SELECT outcome ->> 'report_id' FROM held_reports")}

    def left(self) -> int:
        """Rows that reports have left, of whatever kind; grows with every batch that adds something."""
        (count,) = self.rows(
            "SELECT (SELECT count(*) FROM ground_truth) + (SELECT count(*) FROM held_reports)"
        )[0]
        return int(str(count))

    def wait_until_recorded(self) -> None:
        wanted = set(map(_id, self.labels))

        def all_there() -> bool:
            self.assert_files_are_whole()
            return wanted <= self.recorded()

        eventually("every report has its row", all_there)

    def assert_files_are_whole(self) -> int:
        """At this very moment every file counts whole or not at all, and whole where its end is told.

        Returns how many have come to their end.
        """
        ended = self.rows("SELECT batch_id FROM audit.label_imports WHERE finished_at IS NOT NULL")
        recorded = self.recorded()  # after the ends, as both only grow
        for batch, reports in self.files.items():
            assert reports & recorded in (set(), reports)
            assert (batch,) not in ended or reports <= recorded
        return len(ended)

    def assert_nothing_acknowledged_undone(self) -> None:
        """At this very moment: whatever the group will not read again has left its row."""
        committed = self.group.committed()  # before the rows, which only grow
        left = self.held()  # before those that count, among which they come
        left |= self.recorded()
        for value in self.group.values(committed):
            try:
                assert _id(LabelArrived.model_validate_json(value)) in left
            except ValidationError:
                continue

    def assert_exactly_once(self) -> None:
        assert self.recorded() == set(map(_id, self.labels))
        assert self.rows("SELECT count(*) FROM ground_truth") == [(len(self.labels),)]
        assert self.held() == set()
        eventually("all is acknowledged", lambda: self.group.behind() == 0)
        self.assert_nothing_acknowledged_undone()


def _id(label: LabelArrived) -> str:
    row = outcome_row(label)
    assert row is not None
    return str(row["report_id"])


@contextmanager
def open_pathology(state: State, reach: Reach, folder: Path) -> Iterator[Pathology]:
    """On any stack; its group begins at the end of the topic."""
    name = f"pathology-{uuid4().hex[:12]}"
    settings = environment("labeller", reach) | {
        "EVENSCREEN_LABEL_GROUP": name,
        "EVENSCREEN_SESSION_TIMEOUT_S": "6",
        "EVENSCREEN_RETRY_CAP_S": "1",
    }
    engine = open_database(reach.database_urls["owner"], application_name="test", pool_size=4)
    publisher = Publisher(KafkaSettings(kafka=reach.kafka))
    group = Group(reach.kafka, name, LABELS_ARRIVED)
    group.begin_at_end()
    try:
        with crew(settings, folder) as staff:
            yield Pathology(group, staff, engine, publisher, Database(state, engine))
    finally:
        publisher.close()
        engine.dispose()
