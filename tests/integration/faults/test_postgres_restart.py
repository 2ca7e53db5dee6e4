"""The database goes down in the middle of a transaction: the worker rides it out, in one life."""

from collections.abc import Callable

from ..conftest import StackHandle
from .clinic import Clinic
from .feeder import feeding
from .workers import eventually


def test_an_immediate_restart_in_the_middle_of_a_transaction_is_ridden_out(
    fresh_stack: Callable[[], StackHandle], make_clinic: Callable[[StackHandle], Clinic]
) -> None:
    stack = fresh_stack()
    clinic = make_clinic(stack)
    worker = clinic.crew.start().wait_ready()
    with feeding(clinic):
        eventually("it works", lambda: clinic.count("audit_records") > 5)
        with clinic.database.held("predictions"):
            eventually("it is inside its transaction", clinic.database.waiting)
            stack.stop_postgres_immediately()
            eventually("it waits for the database", lambda: worker.waiting_for() == "database")
            assert worker.get("/healthz")[0] == 200
            assert worker.get("/readyz")[0] == 503
        stack.start_postgres()
        eventually("it works again", lambda: worker.get("/readyz")[0] == 200)
        stack.kill_postgres()
        stack.start_postgres()
    clinic.wait_until_ended()
    assert worker.alive
    assert worker.metric("evenscreen_retries_total") > 0
    counted = clinic.assert_exactly_once()
    assert counted.screened == counted.known
