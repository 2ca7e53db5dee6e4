"""A broker that is away does not fill the disk with lines."""

import logging

import pytest
import structlog

from evenscreen.consumers.hush import Hush, hush_kafka_client


def test_one_complaint_in_a_while_is_passed_on_with_the_number_of_the_others() -> None:
    now = [0.0]
    log = logging.Logger("client")
    log.addHandler(Hush(every_s=10, clock=lambda: now[0]))
    with structlog.testing.capture_logs() as lines:
        for moment in (0, 1, 2, 9.9, 10, 11, 30):
            now[0] = moment
            log.error("Unable connect to node with id %s", 1)
        log.warning("not worth a line")
    assert [line["hushed"] for line in lines] == [0, 3, 1]
    assert {line["said"] for line in lines} == {"Unable connect to node with id %s"}
    assert {line["log_level"] for line in lines} == {"warning"}


@pytest.mark.parametrize("name", ["aiokafka", "faust", "mode"])
def test_children_of_the_hushed_loggers_speak_through_it(name: str) -> None:
    hush_kafka_client()
    with structlog.testing.capture_logs() as lines:
        logging.getLogger(f"{name}.somewhere.below").error("trouble")
    assert [line["said"] for line in lines] == ["trouble"]
