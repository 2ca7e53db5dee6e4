"""A file counts whole or not at all."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.result import UnfinishedImport
from evenscreen.pipeline.audit.settled import settled
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.record import RecordedLabels, record_labels

from .files import ABANDONED, ALL, BEGAN_AT, BEGUN, FINISHED, HOUR, PARTITIONS, REPORTS, of_file, step
from .images import count, image
from .reports import BATCH, asked, now, outcomes, report, skin_types


def test_a_file_counts_whole_or_not_at_all(
    arrive: Callable[..., RecordedLabels],
    lacking: Callable[..., Sequence[UnfinishedImport]],
    owner: Engine,
    engine_of: Callable[[str], Engine],
) -> None:
    *others, last = step(FINISHED, HOUR)
    assert arrive(*step(BEGUN), *of_file(1, 2, 3)) == RecordedLabels(0, 0, 0, 0, held=3)
    assert arrive(*of_file(3, 4, 5, 6, 7), *others) == RecordedLabels(0, 0, 0, 0, held=5)
    auditor = engine_of("auditor")
    assert (outcomes(auditor), skin_types(auditor)) == ({}, {})
    assert asked(auditor, "SELECT count(*) FROM audit.outcome_reports") == [(0,)]
    before = now(owner)
    assert arrive(last) == RecordedLabels(7, 7, 0, 0)
    assert outcomes(auditor) == {image(n).screening_id: n % 2 == 0 for n in ALL}
    assert skin_types(auditor) == {image(n).screening_id: (4, "reported") for n in ALL}
    assert outcomes(auditor, before) == {}
    assert (lacking(), count(owner, "held_reports")) == ((), 0)


@pytest.mark.parametrize("missing", ALL)
def test_a_file_of_which_a_row_was_lost_on_its_way_does_not_count(
    arrive: Callable[..., RecordedLabels],
    lacking: Callable[..., Sequence[UnfinishedImport]],
    owner: Engine,
    missing: int,
) -> None:
    arrive(*step(BEGUN), *of_file(*(set(ALL) - {missing})), *step(FINISHED, HOUR))
    assert (count(owner, "ground_truth"), len(lacking())) == (0, 1)
    again = (*step(BEGUN, 2 * HOUR), *of_file(*ALL), *step(FINISHED, 3 * HOUR))
    assert arrive(*again).outcomes == REPORTS
    assert lacking() == ()


def test_whatever_order_partitions_are_read_in_and_whatever_comes_twice_a_file_counts_once(
    arrive: Callable[..., RecordedLabels], owner: Engine
) -> None:
    """Each partition brings its rows, then its end; batches are cut anywhere, and every batch comes twice."""
    partitions = [[*of_file(*list(ALL)[n::PARTITIONS]), end] for n, end in enumerate(step(FINISHED, HOUR))]
    for seed in range(12):
        chance, queues = random.Random(seed), [list(one) for one in partitions]
        with transaction(owner) as connection:
            connection.execute(text("TRUNCATE label_imports, held_reports, ground_truth, skin_type_reports"))
        while any(queues):
            batch = [
                event
                for queue in chance.sample(queues, chance.randint(1, PARTITIONS))
                for event in [queue.pop(0) for _ in range(chance.randint(0, len(queue)))]
            ]
            for _ in range(2):
                arrive(*batch)
                assert count(owner, "ground_truth") == (0 if any(queues) else REPORTS)
        assert count(owner, "skin_type_reports") == REPORTS
        for rest in partitions:  # from the begin once more, as after a rewind
            arrive(*rest)
        assert (count(owner, "ground_truth"), count(owner, "held_reports")) == (REPORTS, 0)


def test_all_of_a_file_becomes_known_in_one_moment(
    arrive: Callable[..., RecordedLabels], owner: Engine
) -> None:
    """Also where begin, rows and end come in one batch, in whatever order the partitions were read."""
    arrive(*step(FINISHED, HOUR), *of_file(*ALL), *step(BEGUN))
    moments = """
        SELECT DISTINCT r.known_at = i.finished_at AND r.known_at > i.known_at FROM audit.label_imports AS i,
            (SELECT known_at FROM ground_truth UNION ALL SELECT known_at FROM skin_type_reports) AS r
    """
    assert asked(owner, moments) == [(True,)]
    assert count(owner, "ground_truth") == REPORTS


def test_the_parts_of_a_file_that_came_before_and_after_an_interruption_count_together(
    arrive: Callable[..., RecordedLabels], owner: Engine
) -> None:
    arrive(*step(BEGUN), *of_file(1, 2, 3))
    arrive(*step(BEGUN, HOUR), *of_file(*ALL))
    assert count(owner, "ground_truth") == 0
    assert arrive(*step(FINISHED, 2 * HOUR)) == RecordedLabels(7, 7, 0, 0)
    again = (*step(BEGUN, 3 * HOUR), *of_file(*ALL), *step(FINISHED, 4 * HOUR))
    assert arrive(*again) == RecordedLabels(0, 0, 14, 0, held=7)
    finished = "SELECT count(DISTINCT finished_at), count(*) FROM audit.label_imports"
    assert asked(owner, finished) == [(1, 3)]  # since the first time


def test_what_was_abandoned_before_it_came_whole_never_counts_and_is_deleted(
    arrive: Callable[..., RecordedLabels], owner: Engine
) -> None:
    *others, last = step(FINISHED, HOUR)
    arrive(*step(BEGUN), *of_file(*ALL), *others)
    arrive(step(ABANDONED, 2 * HOUR)[0])
    assert count(owner, "held_reports") == 0
    arrive(*of_file(*ALL), last)
    assert count(owner, "ground_truth") == 0
    assert arrive(*step(BEGUN, 3 * HOUR), *of_file(*ALL), *step(FINISHED, 4 * HOUR)).outcomes == REPORTS


def test_what_counts_is_not_taken_back_by_whoever_abandons_it(
    arrive: Callable[..., RecordedLabels],
    lacking: Callable[..., Sequence[UnfinishedImport]],
    owner: Engine,
) -> None:
    arrive(*step(BEGUN), *of_file(*ALL), *step(FINISHED, HOUR))
    arrive(*step(ABANDONED, 2 * HOUR))
    assert (count(owner, "ground_truth"), lacking()) == (REPORTS, ())


def test_somebody_who_abandons_what_another_imports_again_leaves_no_half(
    arrive: Callable[..., RecordedLabels],
    lacking: Callable[..., Sequence[UnfinishedImport]],
    owner: Engine,
) -> None:
    arrive(*step(BEGUN, HOUR), *of_file(1, 2, 3), *step(ABANDONED, 0 * HOUR), *of_file(4, 5, 6, 7))
    arrive(*step(FINISHED, 2 * HOUR))
    assert (count(owner, "ground_truth"), len(lacking())) == (0, 1)


def test_somebody_who_abandons_what_another_just_imports_is_found_out(
    arrive: Callable[..., RecordedLabels],
    lacking: Callable[..., Sequence[UnfinishedImport]],
    owner: Engine,
) -> None:
    arrive(*step(BEGUN), *of_file(1, 2, 3))
    arrive(*step(ABANDONED, HOUR))
    arrive(*of_file(4, 5, 6, 7), *step(FINISHED, 2 * HOUR))
    assert count(owner, "ground_truth") == 0
    assert [(one.reports, one.began_at) for one in lacking()] == [(REPORTS, BEGAN_AT + 2 * HOUR)]
    arrive(*step(BEGUN, 3 * HOUR), *of_file(*ALL), *step(FINISHED, 4 * HOUR))
    assert (count(owner, "ground_truth"), lacking()) == (REPORTS, ())


def test_one_file_does_not_let_another_count(arrive: Callable[..., RecordedLabels], owner: Engine) -> None:
    other = [one.model_copy(update={"batch_id": UUID(int=8)}) for one in of_file(1, 2)]
    arrive(*of_file(*ALL), *other, *step(FINISHED, HOUR))
    assert asked(owner, "SELECT DISTINCT batch_id FROM ground_truth") == [(BATCH,)]
    assert count(owner, "held_reports") == 2


def test_a_released_report_and_one_that_came_by_itself_are_first_and_further_as_ever(
    arrive: Callable[..., RecordedLabels], owner: Engine
) -> None:
    screening = image(1).screening_id
    by_itself = report(False, screening_id=screening, source="registry")
    said = ((1, True, "histopathology"), (2, False, "consensus"))
    twice = [
        report(malignant, screening_id=screening, source=source, row=row) for row, malignant, source in said
    ]
    named = report(True, bucket="b", key="k", row=3)
    arrive(*twice, named, by_itself, *of_file(4, 5, 6, 7))
    assert arrive(*step(FINISHED, HOUR)).outcomes == REPORTS
    firsts = """
        SELECT first_of_screening, source FROM ground_truth
        WHERE screening_id = :id OR key = 'k' ORDER BY 1, 2
    """
    assert asked(owner, firsts, id=screening) == [
        (False, "consensus"),
        (False, "histopathology"),
        (False, "histopathology"),
        (True, "registry"),
    ]
    assert outcomes(owner)[screening] is None  # they contradict each other


def test_of_two_workers_that_record_the_last_partitions_at_once_one_lets_the_file_count(
    arrive: Callable[..., RecordedLabels], owner: Engine, engine_of: Callable[[str], Engine]
) -> None:
    one, *others = step(FINISHED, HOUR)
    arrive(*step(BEGUN), *of_file(*ALL))
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine_of("labeller")) as connection:
            record_labels(connection, (), (), [one])
            second = pool.submit(arrive, *others)
            with pytest.raises(TimeoutError):
                second.result(0.5)  # it waits, and sees the first when it goes on
        assert second.result(30).outcomes == REPORTS
    assert count(owner, "ground_truth") == REPORTS


def test_who_lets_a_file_count_waits_for_whoever_writes_reports(
    arrive: Callable[..., RecordedLabels], engine_of: Callable[[str], Engine]
) -> None:
    *rows, last = of_file(*ALL)
    arrive(*step(BEGUN), *rows)
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine_of("labeller")) as connection:
            record_labels(connection, [last], ())
            end = pool.submit(arrive, *step(FINISHED, HOUR))
            with pytest.raises(TimeoutError):
                end.result(0.5)
        assert end.result(30).outcomes == REPORTS


def test_whoever_asks_while_a_file_begins_to_count_waits_and_finds_all_of_it(
    arrive: Callable[..., RecordedLabels], owner: Engine, engine_of: Callable[[str], Engine]
) -> None:
    arrive(*step(BEGUN), *of_file(*ALL))
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine_of("labeller")) as connection:
            record_labels(connection, (), (), step(FINISHED, HOUR))
            moment = now(owner)
            waits = pool.submit(settled, engine_of("auditor"), moment)
            with pytest.raises(TimeoutError):
                waits.result(0.5)
        assert waits.result(30) == moment
    assert len(outcomes(engine_of("auditor"), moment)) == REPORTS


def test_a_large_file_counts_in_steps_of_one_transaction(
    arrive: Callable[..., RecordedLabels], owner: Engine, engine_of: Callable[[str], Engine]
) -> None:
    rows = 40_001
    many = """
        INSERT INTO held_reports (batch_id, "row", outcome)
        SELECT h.batch_id, n, h.outcome || jsonb_build_object('report_id', gen_random_uuid())
        FROM held_reports AS h, generate_series(2, :rows) AS n
    """
    arrive(*of_file(1))
    with transaction(owner) as connection:
        connection.execute(text("UPDATE held_reports SET skin_type = NULL"))
        connection.execute(text(many), {"rows": rows})
    ends = [one.model_copy(update={"reports": rows}) for one in step(FINISHED, HOUR)]
    beats: list[int] = []
    with transaction(engine_of("labeller")) as connection:
        made = record_labels(connection, (), (), ends, lambda: beats.append(1))
        assert count(owner, "ground_truth") == 0
    assert (made.outcomes, len(beats)) == (rows, 4)
    assert asked(owner, "SELECT count(*), count(DISTINCT known_at) FROM ground_truth") == [(rows, 1)]
    assert asked(owner, "SELECT count(*) FROM ground_truth WHERE first_of_screening") == [(1,)]
