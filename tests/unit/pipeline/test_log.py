"""Nothing personal gets through the logger, whoever logs."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from evenscreen.pipeline.log import PRIVATE, PrivateField, configure_logging, get_logger


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    before = logging.root.handlers, logging.root.level, logging.raiseExceptions
    logging.root.handlers = []  # else `configure_logging` closes pytest's own
    yield
    structlog.reset_defaults()
    logging.root.handlers, logging.root.level, logging.raiseExceptions = before


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_a_private_field_is_refused(name: str) -> None:
    configure_logging()
    with pytest.raises(PrivateField, match=name):
        get_logger().info("something happened", **{name: "Müller"})


def test_an_exception_is_reduced_to_its_class_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    try:
        raise ValueError("Key (key)=(Müller-Anna-1950.jpg) already exists")
    except ValueError:
        get_logger().error("unhandled error", exc_info=True)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["error"] == "ValueError"
    assert "test_an_exception_is_reduced_to_its_class_and_place" in said["raised_in"]
    assert "ller" not in line


def test_libraries_log_through_the_same_door(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    log = logging.getLogger("some.library")
    try:
        raise LookupError("P-SECRET-1")
    except LookupError:
        log.exception("it went wrong")
    log.info("chatter")
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert json.loads(line)["error"] == "LookupError"
    assert "SECRET" not in line
    assert "Traceback" not in line
    assert out == ""


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "botocore.endpoint"])
def test_libraries_that_quote_urls_are_silent(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logging.getLogger(name).warning("Failed to parse headers (url=%s)", "http://s3/clinic/P-SECRET-1.jpg")
    logging.getLogger(name).error("no answer from %s", "http://s3/clinic/P-SECRET-1.jpg")
    assert capsys.readouterr() == ("", "")


def test_a_line_that_cannot_be_written_is_not_quoted_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logging.getLogger("some.library").error("%d is no number", "P-SECRET-1")
    assert "SECRET" not in "".join(capsys.readouterr())
