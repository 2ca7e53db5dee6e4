"""Step 7: the breaker counts what all workers rejected."""

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.breaker import COUNT, check_breaker
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.dead_letter import Unreadable, bury
from evenscreen.schemas.errors import Tripped

from .images import image, rejected, screened
from .test_record import recorded


def check(engine: Engine) -> None:
    with transaction(engine) as connection:
        check_breaker(connection, rejections=10, share=0.5, window_s=600)


def reject(engine: Engine, number: int, first: int = 0) -> None:
    recorded(engine, *(rejected(image(n)) for n in range(first, first + number)))


def screen(engine: Engine, number: int) -> None:
    recorded(engine, *(screened(image(n)) for n in range(1000, 1000 + number)))


def test_too_few_rejections_leave_it_closed_whatever_their_share(worker: Engine) -> None:
    reject(worker, 9)
    check(worker)


def test_enough_rejections_open_it_when_they_are_most_of_all(worker: Engine) -> None:
    reject(worker, 10)
    screen(worker, 9)
    with pytest.raises(Tripped, match="10 of the last 19 images within 600 s"):
        check(worker)


def test_half_is_not_more_than_half(worker: Engine) -> None:
    reject(worker, 10)
    screen(worker, 10)
    check(worker)


def test_unreadable_events_are_rejections_too(worker: Engine) -> None:
    reject(worker, 5)
    with transaction(worker) as connection:
        bury(connection, [Unreadable("images.arrived", b"%d" % n, "") for n in range(5)])
    with pytest.raises(Tripped, match="10 of the last 10"):
        check(worker)


def test_what_a_relay_could_not_read_does_not_stop_the_workers(worker: Engine) -> None:
    with transaction(worker) as connection:
        bury(connection, [Unreadable("images.raw", b"%d" % n, "") for n in range(20)])
    check(worker)


def test_what_lies_before_the_window_is_forgotten(worker: Engine, owner: Engine) -> None:
    reject(worker, 20)
    with transaction(owner) as connection:
        for table in ("audit_records", "dead_letters"):
            connection.execute(text(f"UPDATE {table} SET recorded_at = recorded_at - interval '601 s'"))
    check(worker)
    reject(worker, 9, first=100)
    check(worker)


def test_repeats_do_not_open_it(worker: Engine) -> None:
    for _ in range(5):
        reject(worker, 4)
    check(worker)


def test_a_good_day_reads_an_index_and_no_audit_record(worker: Engine, owner: Engine) -> None:
    with transaction(owner) as connection:
        connection.execute(
            text(
                "INSERT INTO dead_letters (topic, reason, detail, event, event_size_bytes, event_sha256,"
                " recorded_at) SELECT 't', 'event_unreadable', '', '', 0, n, now() - n * interval '1 min'"
                " FROM generate_series(1, 50000) AS n"
            )
        )
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE dead_letters"))
    with transaction(worker) as connection:
        explain = text("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + COUNT.text)
        plan = "\n".join(connection.scalars(explain, {"window_s": 600, "rejections": 100, "topic": "t"}))
    assert "ix_dead_letters_recorded_at" in plan
    audit = plan[plan.index("audit_records") - 400 :]
    assert "never executed" in audit, plan
