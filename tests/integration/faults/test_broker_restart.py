"""The broker is killed with -9 while work is in flight: nothing is lost, whatever becomes of the workers."""

import signal
from collections.abc import Callable

from ..conftest import StackHandle
from .clinic import Clinic
from .supervisor import supervised
from .workers import eventually

MAY_LEAVE_WITH = {0, 75}
"""Asked to stop, and: the broker does not answer, start me again."""


def test_a_killed_broker_costs_no_image(
    fresh_stack: Callable[[], StackHandle], make_clinic: Callable[[StackHandle], Clinic]
) -> None:
    stack = fresh_stack()
    clinic = make_clinic(stack)
    clinic.announce(clinic.photographs(150))
    with supervised(clinic.crew, clinic.crew.start()) as codes:
        for _ in range(2):
            with clinic.database.held("predictions"):
                eventually("a batch is in flight", clinic.database.waiting)
                clinic.publisher.close()  # kafka-python leaves sockets behind while it tries to reconnect
                stack.kill_kafka()
            stack.start_kafka()
            clinic.announce(clinic.photographs(50))
        clinic.wait_until_ended()
        clinic.assert_exactly_once()
    assert set(codes) <= MAY_LEAVE_WITH, clinic.crew.output()
    last = clinic.crew.workers[-1].wait_ready()
    last.send(signal.SIGTERM)
    assert last.exit_code() == 0


def test_a_worker_without_a_broker_says_so_and_may_be_started_again(clinic: Clinic) -> None:
    worker = clinic.crew.start(kafka="127.0.0.1:1")
    assert worker.exit_code() == 75
    assert "the broker does not answer" in worker.output
    assert "Traceback" not in worker.output
