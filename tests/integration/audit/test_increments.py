"""The sums say what the rows say, whenever they were made and whatever was learned in between."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Transient

from .conftest import Ask
from .rows import SINCE, UNTIL, WHEN, Case, insert, label

Clock = Callable[[], datetime]
YEARS = {"since": datetime(2025, 1, 1, tzinfo=UTC), "until": datetime(2026, 11, 1, tzinfo=UTC)}
UNCOUNTED = ("patients", "images_without_patient")
CASES = [
    Case(9000, True, patient="a", fst=6),
    Case(8000, False, patient="a", fst=6),
    Case(100, False, patient="b", fst=1),
    Case(200, True, patient="b", fst=1),
    Case(None, None, fst=1),
    Case(300, None, fst=None),
]


@pytest.fixture(scope="module")
def increment(engine_of: Callable[[str], Engine]) -> Callable[..., dict[str, Any]]:
    """Calls `audit.increment` as the operator; a time is optional."""

    def run(as_of: datetime | None = None) -> dict[str, Any]:
        with transaction(engine_of("operator")) as connection:
            call = "SELECT * FROM audit.increment(coalesce(:as_of, clock_timestamp()))"
            return dict(connection.execute(text(call), {"as_of": as_of}).mappings().one())

    return run


@pytest.fixture(scope="module")
def roll_up(engine_of: Callable[[str], Engine]) -> Callable[[], int]:
    def run() -> int:
        with transaction(engine_of("operator")) as connection:
            return connection.scalar(text("SELECT audit.roll_up()"))

    return run


@pytest.fixture(scope="module")
def describe(engine_of: Callable[[str], Engine]) -> Callable[..., dict[str, list[dict[str, Any]]]]:
    """`audit.description` as the auditor: rows by dimension."""

    def run(**question: Any) -> dict[str, list[dict[str, Any]]]:
        call = "SELECT dimension, (figures).* FROM audit.description(:since, :until, :as_of, :model)"
        found: dict[str, list[dict[str, Any]]] = {}
        with transaction(engine_of("auditor")) as connection:
            for row in connection.execute(text(call), question).mappings():
                found.setdefault(row["dimension"], []).append(
                    {name: value for name, value in row.items() if name != "dimension"}
                )
        return found

    return run


def counted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a histogram can know of the figures."""
    return [{name: value for name, value in row.items() if name not in UNCOUNTED} for row in rows]


def expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same figures but for the last digits, which follow the order in which a sum was made."""
    return [
        {name: pytest.approx(one, rel=1e-12) if isinstance(one, float) else one for name, one in row.items()}
        for row in counted(rows)
    ]


def correct(owner: Engine, screening_id: UUID, malignant: bool) -> None:
    """A report that supersedes the one there is."""
    with transaction(owner) as connection:
        connection.execute(
            text(
                "INSERT INTO ground_truth (report_id, screening_id, malignant, source, verification_reason,"
                " reported_at, supersedes, first_of_screening, imported_by, batch_id)"
                " SELECT :id, screening_id, :malignant, source, verification_reason, now(), report_id, false,"
                " 'test', :id FROM ground_truth WHERE screening_id = :screening_id"
            ),
            {"id": uuid4(), "malignant": malignant, "screening_id": screening_id},
        )


def report_fst(owner: Engine, screening_id: UUID, fst: int) -> None:
    with transaction(owner) as connection:
        connection.execute(
            text(
                "INSERT INTO skin_type_reports (report_id, screening_id, fst, fst_source, reported_at,"
                " imported_by, batch_id) VALUES (:id, :screening_id, :fst, 'reported', now(), 'test', :id)"
            ),
            {"id": uuid4(), "screening_id": screening_id, "fst": fst},
        )


def figures(ask: Ask, model: str, as_of: datetime) -> list[list[dict[str, Any]]]:
    question = {"since": SINCE, "until": UNTIL, "as_of": as_of, "model": model}
    return [
        ask(function, **question, dimension=dimension)
        for function in ("metrics", "components", "placements")
        for dimension in ("fst", "all")
    ]


def test_corrections_count_from_the_time_they_are_known(
    owner: Engine, ask: Ask, now: Clock, increment: Callable[..., dict[str, Any]]
) -> None:
    model, ids = insert(owner, CASES)
    first = now()
    before = figures(ask, model, first)
    increment()
    assert figures(ask, model, first) == before
    correct(owner, ids[3], malignant=False)
    report_fst(owner, ids[5], 6)
    second = now()
    after = figures(ask, model, second)
    assert after != before
    label(owner, [(ids[0], Case(9000, False))])
    third = now()
    contradicted = figures(ask, model, third)
    done = increment()
    assert done["entries"] >= 6
    # Whatever was summed meanwhile: each time has its own answer, also one between two increments.
    assert [figures(ask, model, when) for when in (first, second, third)] == [before, after, contradicted]
    groups = {
        row["group_value"]: row for row in ask("metrics", **YEARS, as_of=third, model=model, dimension="fst")
    }
    assert groups["6"]["contradictory"] == 1
    assert groups["6"]["images"] == 3
    assert groups["1"]["positives"] == 0


def test_an_increment_is_made_once(
    owner: Engine, now: Clock, increment: Callable[..., dict[str, Any]]
) -> None:
    insert(owner, CASES)
    when = now()
    first = increment(when)
    assert first["entries"] == 6
    for again in (when, when - timedelta(hours=1)):
        assert increment(again) == first | {"entries": 0}
    with transaction(owner) as connection:
        assert connection.scalars(
            text("SELECT DISTINCT s FROM (SELECT sum(sign) AS s FROM audit_entries GROUP BY audit_id)")
        ).all() == [1]


def test_a_row_is_not_forgotten_whose_transaction_ends_after_the_increment_began(
    owner: Engine, ask: Ask, now: Clock, increment: Callable[..., dict[str, Any]]
) -> None:
    model, _ = insert(owner, CASES)
    increment()
    done: list[dict[str, Any]] = []
    with transaction(owner) as connection:
        connection.execute(
            text("UPDATE models SET registered_at = registered_at WHERE model_version = :model"),
            {"model": model},
        )
        running = threading.Thread(target=lambda: done.append(increment()))
        running.start()
        running.join(timeout=1)
        assert running.is_alive()
        assert done == []
    running.join(timeout=60)
    assert done
    assert (
        ask("metrics", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension="all")[0]["images"] == 6
    )


def test_an_increment_that_waits_in_vain_for_a_writer_is_to_be_tried_again(owner: Engine) -> None:
    """As it is, but for its patience of minutes."""
    with transaction(owner) as connection:
        settle = connection.scalar(
            text("SELECT pg_get_functiondef('figures.settle(timestamptz)'::regprocedure)")
        )
        connection.execute(text("CREATE SCHEMA hasty"))
        hasty = settle.replace("figures.settle", "hasty.settle").replace("5 minutes", "0.1 seconds")
        assert hasty.count("hasty") == hasty.count("0.1 seconds") == 1
        connection.execute(text(hasty))
    try:
        with transaction(owner) as writing:
            writing.execute(text("SELECT pg_current_xact_id()"))
            with pytest.raises(Transient, match="55000"), transaction(owner) as connection:
                connection.execute(text("SELECT hasty.settle(clock_timestamp())"))
    finally:
        with transaction(owner) as connection:
            connection.execute(text("DROP SCHEMA hasty CASCADE"))


def test_the_future_cannot_be_summed(increment: Callable[..., dict[str, Any]], now: Clock) -> None:
    with pytest.raises(Exception, match="22023"):
        increment(now() + timedelta(hours=1))


@st.composite
def months(draw: st.DrawFn) -> list[Case]:
    case = st.builds(
        Case,
        score=st.one_of(st.none(), st.integers(0, 10_000), st.sampled_from([0, 4999, 5000, 10_000])),
        malignant=st.sampled_from([True, False, None]),
        patient=st.sampled_from([None, "a"]),
        fst=st.sampled_from([1, 3, 6, None]),
        fst_source=st.sampled_from(["reported", "estimated"]),
        age=st.sampled_from([None, 17, 18]),
        device=st.sampled_from([None, "camera", "a=b"]),
        latency_s=st.sampled_from([0.0, 1.5, 7.25]),
        when=st.integers(-400, 200).map(lambda days: WHEN + timedelta(days=days, hours=days % 24 - 12)),
    )
    return draw(st.lists(case, min_size=1, max_size=40))


@given(
    first=months(),
    second=months(),
    days=st.tuples(st.integers(-500, 300), st.integers(-500, 300)).map(sorted),
    dimension=st.sampled_from(["all", "fst", "fst_group", "fst_source", "device", "age_band"]),
    rolled=st.booleans(),
    corrected=st.booleans(),
)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a smaller example would take minutes here
)
def test_the_histogram_equals_the_rows(
    owner: Engine,
    ask: Ask,
    describe: Callable[..., dict[str, list[dict[str, Any]]]],
    now: Clock,
    increment: Callable[..., dict[str, Any]],
    roll_up: Callable[[], int],
    first: list[Case],
    second: list[Case],
    days: list[int],
    dimension: str,
    rolled: bool,
    corrected: bool,
) -> None:
    model, ids = insert(owner, first)
    times = [now()]
    increment()
    if rolled:
        roll_up()
    insert(owner, second, model)
    if corrected:
        report_fst(owner, ids[0], 6)
    times.append(now())
    increment()
    insert(owner, second, model)
    times.append(now())
    since, until = (WHEN + timedelta(days=one) for one in days)
    for as_of in times:
        question = {"as_of": as_of, "model": model}
        for window in (YEARS, {"since": since, "until": until}):
            rows = expected(ask("metrics", **window, **question, dimension=dimension))
            assert counted(ask("histogram_metrics", **window, **question, dimension=dimension)) == rows
            assert counted(describe(**window, **question).get(dimension, [])) == rows


def periods_around(owner: Engine, when: datetime) -> int:
    """How many periods hold a day, each as often as it was summed."""
    with transaction(owner) as connection:
        return connection.execute(
            text("SELECT count(*) FROM audit_periods WHERE :day BETWEEN first_day AND last_day"),
            {"day": when.date()},
        ).scalar_one()


def test_a_period_is_summed_once_and_again_when_much_was_learned(
    owner: Engine, increment: Callable[..., dict[str, Any]], roll_up: Callable[[], int], ask: Ask, now: Clock
) -> None:
    lone = datetime(2023, 5, 7, tzinfo=UTC)
    model, _ = insert(owner, [Case(n, n % 2 == 0, when=lone) for n in range(0, 10_000, 500)])
    increment()
    assert roll_up() >= 4
    assert roll_up() == 0
    before = periods_around(owner, lone)
    insert(owner, [Case(n, n % 3 == 0, when=lone) for n in range(0, 10_000, 100)], model)
    increment()
    assert roll_up() > 0
    # The day, the month, its quarter, half and year again, and all until some quarter's end.
    assert periods_around(owner, lone) >= before + 6
    question = {"as_of": now(), "model": model, "dimension": "all"}
    window = {"since": lone.replace(month=1, day=1), "until": lone.replace(month=12)}
    assert counted(ask("histogram_metrics", **window, **question)) == expected(
        ask("metrics", **window, **question)
    )
    with transaction(owner) as connection:  # it is those sums that were read
        connection.execute(
            text("UPDATE audit_sums SET images = ARRAY(SELECT i + 1 FROM unnest(images) AS u(i))")
        )
    assert ask("histogram_metrics", **window, **question)[0]["images"] > 120


def test_a_group_that_its_last_image_left_is_not_told_of(
    owner: Engine, increment: Callable[..., dict[str, Any]], ask: Ask, roll_up: Callable[[], int], now: Clock
) -> None:
    cases = [Case(3000, True), Case(2000, False), Case(7000, True, fst=None, fst_source="unknown")]
    model, ids = insert(owner, cases)
    increment()
    roll_up()
    report_fst(owner, ids[2], 2)
    for seen in (False, True):
        if seen:
            increment()
        question = {"as_of": now(), "model": model, **YEARS}
        found = ask("histogram_metrics", **question, dimension="fst_source")
        assert [(row["group_value"], row["images"]) for row in found] == [("reported", 3)]
        placed = ask("placements", **question, dimension="fst_source")
        assert [(row["group_value"], row["images"]) for row in placed] == [("reported", 1)] * 3
        scores = ask("score_counts", **question, dimension="fst_source")
        assert [(row["group_value"], row["score"]) for row in scores] == [
            ("reported", 2000),
            ("reported", 3000),
            ("reported", 7000),
        ]
        types = ask("skin_type_cases", **question)
        assert [(row["dimension"], row["group_value"]) for row in types] == [
            ("fst", "2"),
            ("fst_group", "I–II"),
        ]


def test_a_day_is_read_from_its_sum_and_part_of_it_from_rows(
    owner: Engine, increment: Callable[..., dict[str, Any]], ask: Ask, roll_up: Callable[[], int], now: Clock
) -> None:
    day = datetime(2022, 3, 4, tzinfo=UTC)
    model, _ = insert(owner, [Case(n, True, when=day + timedelta(hours=n)) for n in range(24)])
    increment()
    roll_up()
    with transaction(owner) as connection:
        connection.execute(
            text("UPDATE audit_sums SET images = ARRAY(SELECT i * 2 FROM unnest(images) AS u(i))")
        )
    question = {"as_of": now(), "model": model, "dimension": "all"}
    for begin, end, images in ((0, 24, 48), (-5, 30, 48), (0, 23, 23), (1, 24, 23)):
        window = {"since": day + timedelta(hours=begin), "until": day + timedelta(hours=end)}
        assert ask("histogram_metrics", **window, **question)[0]["images"] == images


def test_what_was_written_last_is_found_by_its_time_at_once(
    owner: Engine, increment: Callable[..., dict[str, Any]]
) -> None:
    insert(owner, [Case(3000, True)])
    increment()
    with owner.connect() as connection:  # and is rolled back
        connection.execute(
            text(
                "INSERT INTO audit_entries (audit_id, last_modified, increment_id, stratum_id, sign)"
                " SELECT -n, e.last_modified, e.increment_id, e.stratum_id, e.sign"
                " FROM (SELECT * FROM audit_entries LIMIT 1) AS e CROSS JOIN generate_series(1, 30000) AS n"
            )
        )
        connection.execute(text("SELECT audit.roll_up()"))
        for column in ("last_modified", "increment_id"):
            left = connection.scalar(text(f"SELECT brin_summarize_new_values('ix_audit_entries_{column}')"))
            assert left == 0


def test_many_images_that_no_increment_has_seen_are_counted_like_others(
    owner: Engine,
    increment: Callable[..., dict[str, Any]],
    ask: Ask,
    describe: Callable[..., dict[str, list[dict[str, Any]]]],
    now: Clock,
) -> None:
    model, _ = insert(owner, [Case(n, n % 2 == 0) for n in range(0, 10_000, 500)])
    increment()
    # By every dimension more counts than are sent to another process.
    insert(owner, [Case(n, n % 3 == 0) for n in range(0, 10_000, 70)], model)
    question = {"as_of": now(), "model": model}
    for dimension in ("all", "site"):
        rows = expected(ask("metrics", **YEARS, **question, dimension=dimension))
        assert sum(row["images"] for row in rows) == 163
        assert counted(ask("histogram_metrics", **YEARS, **question, dimension=dimension)) == rows
        assert counted(describe(**YEARS, **question)[dimension]) == rows


def test_every_row_of_an_increment_is_counted_with_its_day(
    owner: Engine, increment: Callable[..., dict[str, Any]]
) -> None:
    # Just before midnight in UTC, which is another day elsewhere.
    late = datetime(2023, 5, 7, 23, 59, 59, tzinfo=UTC)
    _, ids = insert(owner, [Case(n, True, when=late + timedelta(seconds=n)) for n in range(4)])
    increment()
    report_fst(owner, ids[0], 6)
    increment()
    with transaction(owner) as connection:
        days = connection.execute(text("SELECT increment_id, day, entries FROM audit_increment_days")).all()
        rows = connection.execute(
            text(
                "SELECT increment_id, (last_modified AT TIME ZONE 'UTC')::date AS day, count(*)"
                " FROM audit_entries GROUP BY 1, 2"
            )
        ).all()
    assert sorted(days) == sorted(rows)
    assert len({day for _, day, _ in days}) >= 2
