"""What is known of an import, whatever comes first."""

import random
from collections.abc import Callable, Sequence
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.result import UnfinishedImport
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.record import RecordedLabels
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import Event

from .files import ABANDONED, ALL, BEGAN_AT, BEGUN, FINISHED, HOUR, PARTITIONS, REPORTS, of_file, step
from .images import count, image
from .reports import BATCH, asked, now, report


class Said(Event, extra="allow"):
    """Whatever a producer says."""


def test_an_import_is_unfinished_from_its_first_begin_to_the_end_of_its_last_partition(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    before = now(owner)
    arrive(step(BEGUN)[1])
    one = UnfinishedImport(batch_id=BATCH, reports=REPORTS, imported_by="Dr. Rot", began_at=BEGAN_AT)
    assert lacking() == (one,)
    *others, last = step(FINISHED, HOUR)
    arrive(*others, *step(BEGUN), *of_file(*ALL))
    began = now(owner)
    assert lacking() == (one,)
    arrive(last)
    assert lacking() == lacking(before) == ()
    assert lacking(began) == (one,)  # a past day is answered as it was


def test_order_and_redelivery_do_not_matter(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    events = [step(BEGUN)[0], step(BEGUN)[2], *step(FINISHED, HOUR)]
    for order in random.Random(1).sample(list(permutations(events)), 30):
        with transaction(owner) as connection:
            connection.execute(text("TRUNCATE label_imports, held_reports, ground_truth, skin_type_reports"))
        arrive(*of_file(*ALL))
        for place, event in enumerate(order):
            arrive(event, order[0])
            begun, ended = (
                {one.partition for one in order[: place + 1] if one.step is which}
                for which in (BEGUN, FINISHED)
            )
            assert bool(lacking()) == (bool(begun) and len(ended) < PARTITIONS)
            assert count(owner, "ground_truth") == (REPORTS if len(ended) == PARTITIONS else 0)
        assert count(owner, "held_reports") == 0
    assert count(owner, "label_imports") == len(events) + 1


def test_the_same_file_from_somebody_else_finishes_it(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]]
) -> None:
    arrive(*step(BEGUN), *of_file(1, 2, 3))
    arrive(*step(BEGUN, HOUR, by="Dr. Blau"), *of_file(*ALL), *step(FINISHED, 2 * HOUR, by="Dr. Blau"))
    assert lacking() == ()
    arrive(*step(BEGUN, 3 * HOUR))  # all of it is here, so nothing can be missing
    assert lacking() == ()


def test_parts_of_two_ends_are_no_end(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(*step(BEGUN), *of_file(*ALL), *step(FINISHED, HOUR)[:2], *step(FINISHED, 2 * HOUR)[2:])
    assert (len(lacking()), count(owner, "ground_truth")) == (1, 0)


def test_an_abandoned_import_is_not_waited_for_until_somebody_begins_it_again(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(*step(BEGUN))
    before = now(owner)
    arrive(*step(ABANDONED, HOUR, by="Dr. Grün")[:1])
    assert lacking() == ()
    assert [one.began_at for one in lacking(before)] == [BEGAN_AT]  # a past day is answered as it was
    decided = "SELECT abandoned_by FROM audit.label_imports WHERE abandoned_at IS NOT NULL"
    assert asked(owner, decided) == [("Dr. Grün",)]
    arrive(*step(BEGUN, 2 * HOUR), *of_file(*ALL))
    assert [one.began_at for one in lacking()] == [BEGAN_AT + 2 * HOUR]
    arrive(*step(FINISHED, 3 * HOUR))
    assert lacking() == ()


def test_reports_of_other_producers_need_no_frame(
    arrive: Callable[..., RecordedLabels], lacking: Callable[..., Sequence[UnfinishedImport]], owner: Engine
) -> None:
    arrive(report(True, screening_id=image(1).screening_id))
    assert lacking() == ()
    assert count(owner, "ground_truth") == 1


@pytest.mark.parametrize(
    "wrong",
    [{"partition": 3}, {"reports": None}, {"reports": -1}, {"step": "paused"}, {"surprise": "P-SECRET-1"}],
)
def test_an_announcement_that_is_none_becomes_a_dead_letter(
    arrive: Callable[..., RecordedLabels], owner: Engine, wrong: dict[str, object]
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
