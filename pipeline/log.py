"""One line per event: for people on a terminal, JSON otherwise; keyed by screening_id, never by object key.

Lines go to stderr, so that stdout stays the command's answer. Libraries log through the same door from
WARNING upwards, and an exception is reduced to its class and place: a driver's message may quote values.
"""

import logging
import sys
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

PRIVATE = frozenset(
    {"key", "bucket_key", "object_key", "patient", "pseudonym", "etag", "password", "path", "url"}
)


class PrivateField(ValueError):
    """A developer tried to log a field that may identify a patient or open a door."""


def _no_private_fields(_logger: object, _method: str, event: EventDict) -> EventDict:
    if found := PRIVATE & event.keys():
        raise PrivateField(f"not to be logged: {', '.join(sorted(found))}")
    return event


def _class_only(_logger: object, _method: str, event: EventDict) -> EventDict:
    error: Any = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["raised_in"] = _innermost(error.__traceback__)
    return event


def _innermost(traceback: TracebackType | None) -> str:
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return "unknown"
    code = traceback.tb_frame.f_code
    return f"{traceback.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{traceback.tb_lineno}"


def configure_logging() -> None:
    """Set up the process: called once by each command before it starts work."""
    human = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
        _class_only,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(pad_event_to=28)
        if human
        else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[*shared, _no_private_fields, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("botocore", "urllib3"):
        # They quote URLs, which end in the object's key. What fails reaches us as an exception anyway.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.raiseExceptions = False  # the complaint about a line that cannot be written would quote it


def get_logger() -> FilteringBoundLogger:
    """The process's logger: `log.info("image screened", screening_id=…, score=…)`."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
