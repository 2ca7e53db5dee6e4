"""When a report was made, as files write it: ISO 8601 and nothing else, since 01/02/2026 is two days."""

import re
from datetime import UTC, date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

D = TypeVar("D", date, datetime)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)

LAST_OF_DAY = time(23, 59, 59)


def reported_time(written: str, zone: ZoneInfo | None) -> datetime:
    """The time that `written` means, aware.

    A date alone means the end of that day (in `zone`, else UTC), since a report of that day may speak of an
    image of that day. A time without a zone is one of `zone`. Raises ValueError with a sentence.
    """
    if _DATE.fullmatch(written):
        return datetime.combine(_checked(date, written), LAST_OF_DAY, zone or UTC)
    if not _TIME.fullmatch(written):
        raise ValueError("must be ISO 8601, such as 2026-11-21 or 2026-11-21T12:30:00+01:00")
    when = _checked(datetime, written.upper())
    if when.tzinfo is not None:
        return when
    if zone is None:
        raise ValueError("has a time but no time zone: write 2026-11-21T12:30:00+01:00, or use --time-zone")
    return when.replace(tzinfo=zone)


def _checked(kind: type[D], written: str) -> D:
    try:
        return kind.fromisoformat(written)
    except ValueError:
        raise ValueError("is no day of the calendar or no time of the day") from None
