"""Half a file of outcomes: no audit is complete over it, and one on record can be held against it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer, compared
from evenscreen.pipeline.audit.result import EXIT_CODES
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal

from .rows import SINCE, UNTIL, WIDE, Case, cases, insert

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


def test_half_a_file_makes_every_window_incomplete_until_the_rest_has_come(
    nightly: Engine, screened: Callable[[list[Case]], str], half_imported: UUID, announce: Announce
) -> None:
    asked = Asked(WIDE, screened(cases(400)))
    found = answer(nightly, asked)
    images = found.completeness.ledger.known
    assert (found.conclusion, EXIT_CODES[found.conclusion]) == ("incomplete", 12)
    assert found.completeness.sentence == (
        f"All {images} images are accounted for, but not every file of outcomes. "
        "An import of 2,000 rows that began at 2026-03-02 09:30 UTC "
        f"was not finished: import the same file again (batch {half_imported})."
    )
    assert {one.outcome for one in found.judgements[0].verdicts} == {"incomplete"}
    window = answer(nightly, Asked(WIDE, asked.model, since=SINCE, until=UNTIL))
    assert (window.subject.kind, window.conclusion) == ("exploratory", "incomplete")
    announce(half_imported, "finished", BEGAN_AT + timedelta(days=1))
    whole = answer(nightly, asked)
    assert whole.conclusion == "even"
    assert whole.completeness.sentence == f"All {images} images are accounted for."
    again = answer(nightly, Asked(WIDE, asked.model, as_of=found.subject.as_of), recompute=True)
    assert again.completeness.unfinished_imports == found.completeness.unfinished_imports
    assert again.conclusion == "incomplete"


def test_a_past_day_that_is_asked_late_knows_of_the_half_that_was_there_then(
    nightly: Engine, screened: Callable[[list[Case]], str], announce: Announce, now: Callable[[], datetime]
) -> None:
    model, batch, before = screened(cases(2)), uuid4(), now()
    announce(batch, "begun")
    between = now()
    announce(batch, "finished")
    for moment, unfinished in ((before, []), (between, [batch]), (now(), [])):
        found = answer(nightly, Asked(WIDE, model, as_of=moment)).completeness
        assert [one.batch_id for one in found.unfinished_imports] == unfinished
        assert found.complete == (not unfinished)


def test_an_alarm_does_not_wait_for_the_rest_of_a_file(
    nightly: Engine, screened: Callable[[list[Case]], str], half_imported: UUID
) -> None:
    found = answer(nightly, Asked(WIDE, screened(cases(40, missed=0.9))))
    assert found.conclusion == "uneven"
    assert str(half_imported) in found.completeness.sentence
    assert not found.completeness.complete


def test_who_gave_a_file_up_is_in_every_audit_that_does_without_its_rest(
    nightly: Engine, screened: Callable[[list[Case]], str], half_imported: UUID, announce: Announce
) -> None:
    asked = Asked(WIDE, screened(cases(400)))
    announce(half_imported, "abandoned", BEGAN_AT + timedelta(days=1))
    found = answer(nightly, asked)
    assert (found.conclusion, found.completeness.complete) == ("even", True)
    (one,) = found.completeness.unfinished_imports
    assert (one.batch_id, one.abandoned_by) == (half_imported, "pathology")
    assert "was abandoned at " in found.completeness.sentence
    assert f"what had come of it counts (batch {half_imported})." in found.completeness.sentence
    announce(half_imported, "begun", BEGAN_AT + timedelta(days=2))
    assert answer(nightly, asked).conclusion == "incomplete"


def test_of_many_only_some_are_told_and_all_are_in_the_answer(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], announce: Announce
) -> None:
    model, batches = screened(cases(2)), [uuid4() for _ in range(5)]
    for hours, batch in enumerate(batches):
        announce(batch, "begun", BEGAN_AT + timedelta(hours=hours))
    found = answer(nightly, Asked(WIDE, model)).completeness
    assert [one.batch_id for one in found.unfinished_imports] == batches
    assert [str(batch) in found.sentence for batch in batches] == [True, True, True, False, False]
    assert "2 more imports were not finished." in found.sentence
    with transaction(owner) as connection:
        connection.execute(text("TRUNCATE label_imports"))


def test_an_import_that_is_hidden_afterwards_is_found_out(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], half_imported: UUID
) -> None:
    asked = Asked(WIDE, screened(cases(20)))
    assert answer(nightly, asked).conclusion == "incomplete"
    assert answer(nightly, asked, recompute=True).conclusion == "incomplete"
    with (
        forgotten(owner, half_imported),
        pytest.raises(Fatal, match=r"first completeness\.unfinished_imports"),
    ):
        answer(nightly, asked, recompute=True)
    with transaction(owner) as connection:
        connection.execute(
            text(
                "UPDATE audit_results SET result ="
                " jsonb_set(result, '{completeness,unfinished_imports}', '[]') WHERE model_version = :model"
            ),
            {"model": asked.model},
        )
    with pytest.raises(Fatal, match=r"contradicts itself \(completeness"):
        answer(nightly, asked, recompute=True)


def test_two_models_are_not_compared_over_half_a_file(
    nightly: Engine, owner: Engine, half_imported: UUID
) -> None:
    model, _ = insert(owner, cases(20))
    with transaction(owner) as connection:
        connection.execute(text("INSERT INTO models VALUES ('other-' || :m, 5000, '{}')"), {"m": model})
        connection.execute(
            text(
                "WITH r AS (INSERT INTO audit_records (screening_id, model_version, outcome, fst, fst_source,"
                " modality, last_modified, trace_id) SELECT screening_id, 'other-' || model_version, outcome,"
                " fst, fst_source, modality, last_modified, trace_id FROM audit_records"
                " WHERE model_version = :m RETURNING audit_id)"
                " INSERT INTO predictions SELECT audit_id, 5000, true, '{}' FROM r"
            ),
            {"m": model},
        )
    found = compared(nightly, Asked(WIDE, model), f"other-{model}")
    assert not found.completeness.complete
    assert not found.promotable
    assert any(str(half_imported) in reason for reason in found.reasons)
