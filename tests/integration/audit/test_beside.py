"""An audit reads on two connections, and with two processes: neither may change what it sees."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection, Engine, text

from evenscreen.pipeline.audit.beside import ISOLATION, beside
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Transient

from .rows import SINCE, UNTIL, Case, insert

COUNT = text("SELECT count(*) FROM audit.screenings WHERE model_version = :model")


def images(connection: Connection, model: str) -> int:
    return connection.execute(COUNT, {"model": model}).scalar_one()


def test_both_connections_see_the_same_moment(owner: Engine, engine_of: Callable[[str], Engine]) -> None:
    model, _ = insert(owner, [Case(9000, True)])
    nightly = engine_of("nightly")
    with transaction(nightly) as first:
        first.execute(ISOLATION)
        assert images(first, model) == 1
        insert(owner, [Case(9000, True)], model)
        with beside(nightly, first, [text("SET LOCAL statement_timeout = '9s'")]) as second:
            assert second.submit(images, model).result() == 1
            shown = second.submit(lambda own: own.scalar(text("SHOW statement_timeout"))).result()
            assert shown == "9s"
    with transaction(nightly) as later:
        assert images(later, model) == 2


def test_an_error_ends_what_the_other_connection_still_does(engine_of: Callable[[str], Engine]) -> None:
    nightly, started = engine_of("nightly"), threading.Event()

    def sleep(connection: Connection) -> None:
        started.set()
        connection.execute(text("SELECT pg_sleep(60)"))

    def fail() -> None:
        with transaction(nightly) as first:
            first.execute(ISOLATION)
            with beside(nightly, first, []) as second:
                second.submit(sleep)
                started.wait(10)
                time.sleep(0.2)
                raise ZeroDivisionError

    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert time.monotonic() - begun < 30


def test_an_error_of_the_other_connection_is_raised_without_its_words(
    engine_of: Callable[[str], Engine],
) -> None:
    def ask(nightly: Engine) -> None:
        with transaction(nightly) as first:
            first.execute(ISOLATION)
            with beside(nightly, first, [text("SET LOCAL statement_timeout = '1ms'")]) as second:
                second.submit(lambda own: own.execute(text("SELECT pg_sleep(1)"))).result()

    with pytest.raises(Transient, match="57014"):
        ask(engine_of("nightly"))


def test_two_processes_may_count_a_half_of_the_patients_each(
    owner: Engine, now: Callable[[], datetime]
) -> None:
    """With debug_parallel_query a plan is gathered at its top only if all of it may run in parallel."""
    half = (
        "SELECT * FROM figures.half_of_patient_codes(:since, :until, :as_of, 'm', 'reported',"
        " '{=2}', '{=I–II}', '{1}', '{1}', '{1}', 0, true, '{0}', '{0}', "
    )
    with transaction(owner) as connection:
        for setting in ("debug_parallel_query = on", "enable_parallel_append = off"):
            connection.execute(text(f"SET LOCAL {setting}"))
        connection.execute(text("SET LOCAL min_parallel_table_scan_size = '1TB'"))
        plan = connection.scalars(
            text(f"EXPLAIN {half} 0) UNION ALL {half} 1)"), {"since": SINCE, "until": UNTIL, "as_of": now()}
        ).all()
    assert plan[0].startswith("Gather")


def test_no_patient_is_summed_in_part(owner: Engine) -> None:
    """Else processes could sum all patients and hand them over: without a way to combine, none can."""
    with transaction(owner) as connection:
        found = connection.execute(
            text("SELECT aggcombinefn = 0 FROM pg_aggregate WHERE aggfnoid = 'figures.bits'::regproc")
        ).scalar_one()
    assert found
