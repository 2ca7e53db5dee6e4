"""What is known of an import: that it began before its rows and ended after them, whatever comes first."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.imports import unfinished
from evenscreen.pipeline.audit.result import UnfinishedImport
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.read import read_labels
from evenscreen.pipeline.labels.record import record_labels
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import Event, ImportAnnounced, LabelArrived
from evenscreen.schemas.labels import ImportStep

from .images import count, image
from .reports import BATCH, asked, now, report

BEGUN, FINISHED, ABANDONED = ImportStep
BEGAN_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARTITIONS = 3


class Said(Event, extra="allow"):
    """Whatever a producer says."""


def step(which: ImportStep, after: timedelta = timedelta(0), *, by: str = "Dr. Rot") -> list[ImportAnnounced]:
    """Its announcements in all partitions."""
    return [
        ImportAnnounced(
            step=which,
            batch_id=BATCH,
            reports=None if which is ABANDONED else 7,
            announced_by=by,
            announced_at=BEGAN_AT + after,
            partition=partition,
            partitions=PARTITIONS,
        )
        for partition in range(PARTITIONS)
    ]


@pytest.fixture
def arrive(engine_of: Callable[[str], Engine]) -> Callable[..., None]:
    """As a label worker records a batch of messages."""

    def record(*events: Event) -> None:
        batch = read_labels("t", [one.encoded() for one in events])
        with transaction(engine_of("labeller")) as connection:
            record_labels(connection, batch.labels, batch.unreadable, batch.imports)

    return record


@pytest.fixture
def lacking(engine_of: Callable[[str], Engine]) -> Callable[..., Sequence[UnfinishedImport]]:
    """What the auditor knows to be unfinished at a time, now without one."""

    def ask(as_of: datetime | None = None) -> Sequence[UnfinishedImport]:
        auditor = engine_of("auditor")
        with transaction(auditor) as connection:
            return unfinished(connection, as_of or now(auditor))

    return ask


def test_an_import_is_unfinished_from_its_first_begin_to_the_end_of_its_last_partition(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    before = now(owner)
    arrive(step(BEGUN)[1])
    one = UnfinishedImport(batch_id=BATCH, reports=7, imported_by="Dr. Rot", began_at=BEGAN_AT)
    assert lacking() == (one,)
    *others, last = step(FINISHED, HOUR)
    arrive(*others, *step(BEGUN))
    began = now(owner)
    assert lacking() == (one,)
    arrive(last)
    assert lacking() == lacking(before) == ()
    assert lacking(began) == (one,)  # a past day is answered as it was


def test_order_and_redelivery_do_not_matter(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    events = [step(BEGUN)[0], step(BEGUN)[2], *step(FINISHED, HOUR)]
    for order in permutations(events):
        with transaction(owner) as connection:
            connection.execute(text("TRUNCATE label_imports"))
        for place, event in enumerate(order):
            arrive(event, order[0])
            begun, ended = (
                {one.partition for one in order[: place + 1] if one.step is which}
                for which in (BEGUN, FINISHED)
            )
            assert bool(lacking()) == (bool(begun) and len(ended) < PARTITIONS)
    assert count(owner, "label_imports") == len(events)


def test_the_same_file_from_somebody_else_finishes_it(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]]
) -> None:
    arrive(*step(BEGUN), *step(BEGUN, HOUR, by="Dr. Blau"), *step(FINISHED, 2 * HOUR, by="Dr. Blau"))
    assert lacking() == ()
    arrive(*step(BEGUN, 3 * HOUR))  # all of it is here, so nothing can be missing
    assert lacking() == ()


def test_parts_of_two_ends_are_no_end(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]]
) -> None:
    arrive(*step(BEGUN), *step(FINISHED, HOUR)[:2], *step(FINISHED, 2 * HOUR)[2:])
    assert lacking()


def test_who_abandons_an_import_is_named_and_whoever_begins_it_again_is_waited_for(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(*step(ABANDONED, HOUR, by="Dr. Grün")[:1])
    arrive(*step(BEGUN))
    decided = now(owner)
    (one,) = lacking()
    assert (one.began_at, one.abandoned_by) == (BEGAN_AT, "Dr. Grün")
    assert one.abandoned_at
    arrive(*step(BEGUN, 2 * HOUR))
    (again,) = lacking()
    assert (again.began_at, again.abandoned_at) == (BEGAN_AT + 2 * HOUR, None)
    assert lacking(decided) == (one,)
    arrive(*step(FINISHED, 3 * HOUR))
    assert lacking() == ()


def test_a_decision_counts_from_when_it_was_known(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(*step(BEGUN))
    before = now(owner)
    arrive(*step(ABANDONED, HOUR))
    assert [one.abandoned_by for one in lacking(before)] == [None]
    assert [one.abandoned_by for one in lacking()] == ["Dr. Rot"]


def test_no_row_is_known_before_its_import_began_nor_after_it_ended(
    arrive: Callable[..., None], owner: Engine
) -> None:
    """Also where begin, rows and end come in one batch, in whatever order the partitions were read."""
    rows: list[LabelArrived] = [report(True, fst=4, screening_id=image(n).screening_id) for n in range(1, 30)]
    arrive(*step(FINISHED, HOUR), *rows, *step(BEGUN))
    times = """
        SELECT (SELECT max(known_at) FROM label_imports WHERE step = 'begun')
            < (SELECT min(known_at) FROM ground_truth),
            (SELECT max(known_at) FROM skin_type_reports)
            < (SELECT min(known_at) FROM label_imports WHERE step = 'finished')
    """
    assert asked(owner, times) == [(True, True)]


def test_reports_of_other_producers_need_no_frame(
    arrive: Callable[..., None], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(report(True, screening_id=image(1).screening_id))
    assert lacking() == ()
    assert count(owner, "ground_truth") == 1


@pytest.mark.parametrize(
    "wrong",
    [{"partition": 3}, {"reports": None}, {"reports": -1}, {"step": "paused"}, {"surprise": "P-SECRET-1"}],
)
def test_an_announcement_that_is_none_becomes_a_dead_letter(
    arrive: Callable[..., None], owner: Engine, wrong: dict[str, object]
) -> None:
    arrive(Said(**{**step(BEGUN)[0].model_dump(), **wrong}))
    assert (count(owner, "label_imports"), count(owner, "dead_letters")) == (0, 1)
    assert "P-SECRET-1" not in str(asked(owner, "SELECT detail FROM dead_letters"))


def test_the_database_refuses_what_the_event_would_not_say(owner: Engine) -> None:
    good = f"'{UUID(int=1)}', 'begun', now(), 0, 1, 7, 'x'"
    columns = "batch_id, step, announced_at, partition, partitions, reports, announced_by"
    insert = f"INSERT INTO label_imports ({columns}) VALUES ({{}})"
    for old, new in (("'begun'", "'paused'"), ("0, 1", "1, 1"), ("7,", "-7,"), ("7,", "NULL,")):
        with pytest.raises(Fatal, match="23514"), transaction(owner) as connection:
            connection.execute(text(insert.format(good.replace(old, new))))
    with transaction(owner) as connection:
        connection.execute(text(insert.format(good)))
