"""Which window an audit looks at, and whether the plan decides about it."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.registration import Registration
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


class Window(NamedTuple):
    """Half-open, what it is, and if it is exploratory, why."""

    since: datetime
    until: datetime
    kind: Kind
    because: str | None = None


def window(
    since: datetime | None, until: datetime | None, as_of: datetime, plan: Plan, registered: Registration
) -> Window:
    """The window that is meant.

    Neither end given: all that the model ever screened and whose outcomes are due, the nightly verdict; by a
    plan that came after a look, only what was stored since. A calendar quarter that had not ended when the
    plan was registered, and whose outcomes are all due: drift. Anything else: exploratory. Raises Fatal when
    the window ends before it begins.
    """
    due = mature_until(as_of, plan)
    if since is None and until is None:
        return _nightly(as_of, due, plan, registered)
    begin, end = since or EVER, until or due
    if end <= begin:
        raise Fatal("The window ends before it begins: --since must lie before --until.")
    if not is_quarter(begin, end) or "quarter" not in plan.windows:
        return Window(begin, end, "exploratory", "the plan did not register this window")
    if end > due:
        return Window(begin, end, "exploratory", "not all outcomes of the quarter are due")
    if midnight(registered.at) >= end:
        return Window(begin, end, "exploratory", f"{_since(registered)}, after the quarter had ended")
    return Window(begin, end, "quarter")


def _nightly(as_of: datetime, due: datetime, plan: Plan, registered: Registration) -> Window:
    decides = midnight(registered.at)
    if "nightly" not in plan.windows:
        return Window(EVER, due, "exploratory", "the plan registers no nightly verdict")
    if not registered.after_a_look:
        return Window(EVER, due, "nightly")
    if as_of < decides:
        return Window(EVER, due, "exploratory", f"{_since(registered)}, after the night that is asked about")
    if due <= decides:
        why = (
            "after audits of this model: it decides about images stored since, whose outcomes are not due yet"
        )
        return Window(EVER, due, "exploratory", f"{_since(registered)}, {why}")
    return Window(decides, due, "nightly")


def _since(registered: Registration) -> str:
    return f"the plan was registered on {registered.at:%Y-%m-%d}"


def is_quarter(since: datetime, until: datetime) -> bool:
    """Whether this is a calendar quarter, UTC."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since != midnight(since) or since.day != 1 or since.month % 3 != 1:
        return False
    month = since.month + 3
    following = since.replace(year=since.year + month // 13, month=month if month < 13 else 1)
    return until == following
