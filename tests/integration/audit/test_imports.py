"""A file of outcomes that has not come to its end: audits tell of it, and so does one on record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.imports import sentences
from evenscreen.pipeline.audit.result import EXIT_CODES
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal

from .rows import WIDE, Case, cases

BEGAN_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ANNOUNCED = text("""
INSERT INTO label_imports (batch_id, step, announced_at, partition, partitions, reports, announced_by)
VALUES (:batch, :step, :at, 0, 1, CASE WHEN :step <> 'abandoned' THEN 2000 END, 'pathology')
""")
FORGOTTEN = text("DELETE FROM label_imports WHERE batch_id = :batch")
Announce = Callable[..., None]


@pytest.fixture
def announce(owner: Engine) -> Announce:
    def write(batch: UUID, step: str, at: datetime = BEGAN_AT) -> None:
        with transaction(owner) as connection:
            connection.execute(ANNOUNCED, {"batch": batch, "step": step, "at": at})

    return write


@pytest.fixture
def half_imported(owner: Engine, announce: Announce) -> Iterator[UUID]:
    """A batch of which only the begin is known; other tests of the module need not know it."""
    batch = uuid4()
    announce(batch, "begun")
    yield batch
    with transaction(owner) as connection:
        connection.execute(FORGOTTEN, {"batch": batch})


@contextmanager
def forgotten(owner: Engine, batch: UUID) -> Iterator[None]:
    """As if nobody had ever announced it, which takes somebody who changes rows."""
    with transaction(owner) as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT * FROM label_imports"))
        connection.execute(FORGOTTEN, {"batch": batch})
    yield
    with transaction(owner) as connection:
        connection.execute(text("INSERT INTO label_imports SELECT * FROM kept"))
        connection.execute(text("DROP TABLE kept"))


def test_a_file_that_has_not_come_to_its_end_is_told_and_makes_no_audit_incomplete(
    nightly: Engine, screened: Callable[[list[Case]], str], half_imported: UUID, announce: Announce
) -> None:
    asked = Asked(WIDE, screened(cases(400)))
    found = answer(nightly, asked)
    images = found.completeness.ledger.known
    assert (found.conclusion, EXIT_CODES[found.conclusion], found.completeness.complete) == ("even", 0, True)
    assert found.completeness.sentence == f"All {images} images are accounted for."
    assert list(sentences(found.completeness.unfinished_imports)) == [
        "An import of 2,000 rows that began at 2026-03-02 09:30 UTC was not finished, and none of them "
        f"counts: import the same file again (batch {half_imported})."
    ]
    announce(half_imported, "counted", BEGAN_AT + timedelta(days=1))
    whole = answer(nightly, asked)
    assert whole.completeness.unfinished_imports == ()
    again = answer(nightly, Asked(WIDE, asked.model, as_of=found.subject.as_of), recompute=True)
    assert again.completeness.unfinished_imports == found.completeness.unfinished_imports


def test_a_past_day_that_is_asked_late_knows_of_the_file_that_was_on_its_way_then(
    nightly: Engine, screened: Callable[[list[Case]], str], announce: Announce, now: Callable[[], datetime]
) -> None:
    model, batch, before = screened(cases(2)), uuid4(), now()
    announce(batch, "begun")
    between = now()
    announce(batch, "counted")
    for moment, unfinished in ((before, []), (between, [batch]), (now(), [])):
        found = answer(nightly, Asked(WIDE, model, as_of=moment)).completeness
        assert [one.batch_id for one in found.unfinished_imports] == unfinished


def test_nobody_is_told_of_a_file_that_was_given_up_until_somebody_begins_it_again(
    nightly: Engine, screened: Callable[[list[Case]], str], half_imported: UUID, announce: Announce
) -> None:
    asked = Asked(WIDE, screened(cases(2)))
    announce(half_imported, "abandoned", BEGAN_AT + timedelta(days=1))
    assert answer(nightly, asked).completeness.unfinished_imports == ()
    announce(half_imported, "begun", BEGAN_AT + timedelta(days=2))
    (one,) = answer(nightly, asked).completeness.unfinished_imports
    assert one.began_at == BEGAN_AT + timedelta(days=2)


def test_of_many_only_some_are_told_and_all_are_in_the_answer(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], announce: Announce
) -> None:
    model, batches = screened(cases(2)), [uuid4() for _ in range(5)]
    for hours, batch in enumerate(batches):
        announce(batch, "begun", BEGAN_AT + timedelta(hours=hours))
    found = answer(nightly, Asked(WIDE, model)).completeness
    assert [one.batch_id for one in found.unfinished_imports] == batches
    told = " ".join(sentences(found.unfinished_imports))
    assert [str(batch) in told for batch in batches] == [True, True, True, False, False]
    assert told.endswith(" 2 more imports were not finished.")
    with transaction(owner) as connection:
        connection.execute(text("TRUNCATE label_imports"))


def test_an_import_that_is_hidden_afterwards_is_found_out(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], half_imported: UUID
) -> None:
    asked = Asked(WIDE, screened(cases(20)))
    found = answer(nightly, asked)
    again = answer(nightly, asked, recompute=True)
    assert again.completeness.unfinished_imports == found.completeness.unfinished_imports != ()
    with (
        forgotten(owner, half_imported),
        pytest.raises(Fatal, match=r"first completeness\.unfinished_imports"),
    ):
        answer(nightly, asked, recompute=True)
