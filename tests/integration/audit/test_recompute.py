"""What is on record can be named again, computed again, and is found out when somebody changed it."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.code_version import code_version
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.settled import settled
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.tables import Table

from .rows import SINCE, UNTIL, WIDE, Case, cases

Screened = Callable[[list[Case]], str]
CHANGED = ("conclusion", "threshold", "code_version", "input_sha256", "result")


def test_the_same_question_has_the_answer_on_record_and_is_computed_again_alike(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    asked = Asked(WIDE, screened(cases(200)), as_of=now())
    first = answer(nightly, asked)
    assert answer(nightly, asked) == first
    assert answer(nightly, asked, recompute=True).judgements == first.judgements
    with transaction(owner) as connection:
        connection.execute(
            text(
                "UPDATE audit_results SET result = jsonb_set(result, '{description,all,0,positives}', '7')"
                " WHERE model_version = :model"
            ),
            {"model": asked.model},
        )
    assert answer(nightly, asked).description["all"][0].positives == 7
    with pytest.raises(Fatal, match="differs from the one on record"):
        answer(nightly, asked, recompute=True)


def test_a_row_that_changed_behind_the_sums_is_noticed_when_computed_again(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    asked = Asked(WIDE, screened(cases(40)), as_of=now())
    first = answer(nightly, asked)
    change = text(
        "UPDATE predictions SET score = score + CAST(:by AS smallint) WHERE audit_id ="
        " (SELECT min(audit_id) FROM audit_records WHERE model_version = :model)"
    )
    with transaction(owner) as connection:
        connection.execute(change, {"by": 1, "model": asked.model})
    assert answer(nightly, asked) == first
    with pytest.raises(Fatal, match="1 images are no longer what they were"):
        answer(nightly, asked, recompute=True)
    with transaction(owner) as connection:
        connection.execute(change, {"by": -1, "model": asked.model})
    assert answer(nightly, asked, recompute=True).judgements == first.judgements


def changed(owner: Engine, model: str, change: str) -> None:
    with transaction(owner) as connection:
        connection.execute(
            text(f"UPDATE audit_results SET {change} WHERE model_version = :model"), {"model": model}
        )


def test_without_a_time_the_newest_of_the_same_question_is_computed_again(
    nightly: Engine, owner: Engine, screened: Screened, now: Callable[[], datetime]
) -> None:
    asked = Asked(WIDE, screened(cases(20)))
    with pytest.raises(Fatal, match="Nothing is on record"):
        answer(nightly, asked, recompute=True)
    with pytest.raises(Fatal, match="as of then"):
        answer(nightly, replace(asked, as_of=now()), recompute=True)
    answer(nightly, replace(asked, as_of=now() - timedelta(seconds=5)))
    newest = answer(nightly, asked)
    window = answer(nightly, replace(asked, since=SINCE))
    both = answer(nightly, replace(asked, since=SINCE, until=UNTIL))
    assert newest.subject.as_of < window.subject.as_of
    for question, expected in (
        (asked, newest),
        (replace(asked, since=SINCE), window),
        (replace(asked, since=SINCE, until=UNTIL), both),
    ):
        again = answer(nightly, question, recompute=True)
        assert again.subject == expected.subject
    with pytest.raises(Fatal, match="Nothing is on record"):
        answer(nightly, replace(asked, until=UNTIL), recompute=True)
    with transaction(owner) as connection:  # computing again stores nothing
        count = text("SELECT count(*) FROM audit_results WHERE model_version = :model")
        assert connection.scalar(count, {"model": asked.model}) == 4


def test_a_person_can_name_the_time_of_any_audit(nightly: Engine, screened: Screened) -> None:
    found = answer(nightly, Asked(WIDE, screened(cases(2))))
    assert found.subject.as_of.microsecond % 100_000 == 0
    assert found.description["all"][0].screened == 12  # what was written a moment ago counts
    assert answer(nightly, Asked(WIDE, found.subject.model_version, as_of=found.subject.as_of)) == found


def test_an_audit_that_was_changed_on_record_is_found_out(
    nightly: Engine, owner: Engine, screened: Screened
) -> None:
    asked = Asked(WIDE, screened(cases(40, missed=0.9)))
    model = str(asked.model)
    assert answer(nightly, asked).conclusion == "uneven"
    assert answer(nightly, asked, recompute=True).conclusion == "uneven"
    even = """result = result || '{"conclusion": "even"}'"""
    for change, place in (
        ("conclusion = 'even'", "column conclusion"),
        (f"conclusion = 'even', {even}", "(conclusion)"),
        ("result = jsonb_set(result, '{completeness,complete}', 'false')", "(completeness)"),
        ("threshold = 1", "column threshold"),
        ("input_sha256 = '00'", "column input_sha256"),
        ("code_version = '9'", "column code_version"),
    ):
        with transaction(owner) as connection:
            connection.execute(text("CREATE TABLE kept AS SELECT * FROM audit_results"))
        changed(owner, model, change)
        with pytest.raises(Fatal, match=re.escape(place)):
            answer(nightly, asked, recompute=True)
        with transaction(owner) as connection:
            columns = ", ".join(f"{one} = k.{one}" for one in CHANGED)
            connection.execute(
                text(f"UPDATE audit_results r SET {columns} FROM kept k WHERE k.result_id = r.result_id")
            )
            connection.execute(text("DROP TABLE kept"))
    assert answer(nightly, asked, recompute=True).conclusion == "uneven"


def test_an_outcome_that_was_changed_with_its_conclusion_differs_from_what_is_computed(
    nightly: Engine, owner: Engine, screened: Screened
) -> None:
    model = screened(cases(40, missed=0.9))
    answer(nightly, Asked(WIDE, model))
    changed(
        owner,
        model,
        "conclusion = 'even', result = jsonb_set(result, '{judgements,0,outcome}', '\"even\"')"
        """ || '{"conclusion": "even"}'""",
    )
    with pytest.raises(Fatal, match=r"in 1 figures, first judgements\.0\.outcome"):
        answer(nightly, Asked(WIDE, model), recompute=True)


def test_bounds_are_in_the_checksum_of_the_input(nightly: Engine, screened: Screened) -> None:
    """Scores of images without an outcome are in no figure, but decide what these could hide."""
    audits = [
        answer(nightly, Asked(WIDE, screened([*cases(40), *[Case(score, None, fst=6)] * 40])))
        for score in (100, 100, 4900)
    ]
    assert [one.figures for one in audits[0].judgements[0].verdicts] == [
        one.figures for one in audits[2].judgements[0].verdicts
    ]
    first, same, other = (one.subject.input_sha256 for one in audits)
    assert first == same != other
    assert audits[0].subject.code_version == code_version()


def test_what_other_code_stored_is_compared_by_its_figures(
    nightly: Engine, owner: Engine, screened: Screened
) -> None:
    model = screened(cases(2))
    answer(nightly, Asked(WIDE, model))
    older = "code_version = '0.1.0', input_sha256 = '00', result = jsonb_set(jsonb_set(result,"
    older += """ '{subject,code_version}', '"0.1.0"'), '{subject,input_sha256}', '"00"')"""
    changed(owner, model, older)
    assert answer(nightly, Asked(WIDE, model), recompute=True).subject.code_version == code_version()


def test_an_audit_waits_for_what_is_written_while_it_is_asked(
    nightly: Engine, owner: Engine, screened: Screened
) -> None:
    """A row bears the time at which it was written, and is seen when its transaction ends."""
    model = screened(cases(20))
    found: list[Audit] = []
    with transaction(owner) as connection:
        added = connection.execute(
            text(
                "INSERT INTO skin_type_reports (report_id, screening_id, fst, fst_source, reported_at,"
                " imported_by, batch_id) SELECT gen_random_uuid(), screening_id, 6, 'reported', now(),"
                " 'test', gen_random_uuid() FROM audit_records WHERE model_version = :model AND fst = 2"
            ),
            {"model": model},
        ).rowcount
        asking = threading.Thread(target=lambda: found.append(answer(nightly, Asked(WIDE, model))))
        asking.start()
        asking.join(timeout=1.5)
        assert asking.is_alive()
    asking.join(timeout=60)
    assert added == 40
    assert [one.images for one in found[0].description["fst_group"]] == [40, 80]
    again = answer(nightly, Asked(WIDE, model), recompute=True)
    assert again.model_dump(exclude={"completeness"}) == found[0].model_dump(exclude={"completeness"})


def test_who_waits_too_long_for_a_writer_tries_again(
    nightly: Engine, owner: Engine, now: Callable[[], datetime]
) -> None:
    bearing = [name for name, table in Table.metadata.tables.items() if "known_at" in table.columns]
    assert {"ground_truth", "label_imports"} <= set(bearing)
    for table in bearing:
        with transaction(owner) as connection:
            connection.execute(text(f"INSERT INTO {table} SELECT * FROM {table} WHERE false"))
            with pytest.raises(Transient, match="does not end"):
                settled(nightly, now(), patience_s=0.1)
    moment = now()
    assert settled(nightly, moment) == moment


def test_readers_and_those_who_began_later_are_not_waited_for(
    nightly: Engine, owner: Engine, now: Callable[[], datetime]
) -> None:
    with transaction(owner) as connection:
        connection.execute(text("SELECT count(*) FROM audit_records"))
        connection.execute(text("UPDATE walks SET emitted = emitted"))
        moment = now()
        assert settled(nightly, moment, patience_s=0.1) == moment
