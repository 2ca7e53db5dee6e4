"""Making an app hushes loggers of the process; other tests get them back as they were."""

import logging
from collections.abc import Iterator

import pytest

HUSHED = ("aiokafka", "faust", "mode")


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    logs = [logging.getLogger(name) for name in HUSHED]
    before = [(log.level, log.handlers, log.propagate) for log in logs]
    yield
    for log, (level, handlers, propagate) in zip(logs, before, strict=True):
        log.setLevel(level)
        log.handlers, log.propagate = handlers, propagate
