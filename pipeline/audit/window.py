"""Which window an audit looks at, and whether a plan registered it."""

from datetime import UTC, datetime, timedelta

from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import Kind
from evenscreen.schemas.errors import Fatal

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every image: a new model may screen old ones."""


def mature_until(as_of: datetime, plan: Plan) -> datetime:
    """Screenings from here on are too young for an outcome."""
    return as_of - timedelta(days=plan.maturity_days)


def midnight(moment: datetime) -> datetime:
    """The beginning of its day, UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def window(
    since: datetime | None, until: datetime | None, as_of: datetime, plan: Plan
) -> tuple[datetime, datetime, Kind]:
    """The half-open window that is meant, and what it is.

    Neither end given: all that the model ever screened and whose outcomes are due, the nightly verdict. A
    calendar quarter whose outcomes are all due: drift. Anything else: exploratory. Raises Fatal when the
    window ends before it begins.
    """
    if since is None and until is None:
        return EVER, mature_until(as_of, plan), "nightly"
    begin, end = since or EVER, until or mature_until(as_of, plan)
    if end <= begin:
        raise Fatal("The window ends before it begins: --since must lie before --until.")
    if is_quarter(begin, end) and end <= mature_until(as_of, plan):
        return begin, end, "quarter"
    return begin, end, "exploratory"


def is_quarter(since: datetime, until: datetime) -> bool:
    """Whether this is a calendar quarter, UTC."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since != midnight(since) or since.day != 1 or since.month % 3 != 1:
        return False
    month = since.month + 3
    following = since.replace(year=since.year + month // 13, month=month if month < 13 else 1)
    return until == following
