"""Windows: what a plan registered gets a verdict, everything else is a look."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.registration import Registration
from evenscreen.pipeline.audit.window import EVER, is_quarter, window
from evenscreen.schemas.errors import Fatal

PLAN = Plan(name="test", maturity_days=90)


def day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


NOW = day(2026, 11, 21)
EARLY = Registration(day(2026, 1, 5), after_a_look=False, plans=1)


def late(at: datetime) -> Registration:
    """A plan that was first followed when audits by another one were on record."""
    return Registration(at, after_a_look=True, plans=2)


def test_without_a_window_all_that_was_ever_screened_and_whose_outcomes_are_due() -> None:
    assert window(None, None, NOW, PLAN, EARLY) == (EVER, NOW - timedelta(days=90), "nightly", None)


def test_the_first_plan_of_a_model_decides_about_every_night_as_nobody_had_looked_before() -> None:
    first = Registration(NOW + timedelta(hours=3), after_a_look=False, plans=1)
    for night in (NOW, NOW - timedelta(days=1)):
        assert window(None, None, night, PLAN, first).kind == "nightly"
        assert window(None, None, night, PLAN, late(NOW + timedelta(days=1))).kind == "exploratory"


def test_a_plan_that_came_after_a_look_decides_about_what_was_stored_since() -> None:
    changed = late(day(2026, 8, 1) + timedelta(hours=9))
    assert window(None, None, day(2026, 11, 21), PLAN, changed) == (
        day(2026, 8, 1),
        day(2026, 8, 23),
        "nightly",
        None,
    )
    waiting = window(None, None, day(2026, 10, 30), PLAN, changed)
    assert (waiting.since, waiting.kind) == (EVER, "exploratory")
    assert waiting.because is not None
    assert "registered on 2026-08-01, after audits of this model" in waiting.because


@pytest.mark.parametrize(
    ("registered", "kind"),
    [
        (day(2026, 1, 5), "quarter"),
        (day(2026, 6, 30), "quarter"),
        (day(2026, 7, 1), "exploratory"),
        (day(2026, 11, 21), "exploratory"),
    ],
)
@pytest.mark.parametrize("after_a_look", [True, False])
def test_a_quarter_that_had_ended_before_the_plan_was_registered_has_no_verdict(
    registered: datetime, kind: str, after_a_look: bool
) -> None:
    known = Registration(registered, after_a_look, 1)
    found = window(day(2026, 4, 1), day(2026, 7, 1), NOW, PLAN, known)
    assert found.kind == kind
    assert (found.because is None) == (kind == "quarter")


def test_a_calendar_quarter_whose_outcomes_are_due_is_for_drift() -> None:
    assert window(day(2026, 4, 1), day(2026, 7, 1), NOW, PLAN, EARLY).kind == "quarter"


def test_windows_that_a_plan_does_not_register_are_exploratory() -> None:
    quarters, nights = (PLAN.model_copy(update={"windows": (one,)}) for one in ("quarter", "nightly"))
    assert window(None, None, NOW, quarters, EARLY).kind == "exploratory"
    assert window(None, None, NOW, nights, EARLY).kind == "nightly"
    assert window(day(2026, 4, 1), day(2026, 7, 1), NOW, quarters, EARLY).kind == "quarter"
    assert window(day(2026, 4, 1), day(2026, 7, 1), NOW, nights, EARLY).kind == "exploratory"


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (day(2026, 7, 1), day(2026, 10, 1)),  # outcomes of September are not due
        (day(2026, 4, 1), day(2026, 6, 30)),
        (day(2026, 4, 2), day(2026, 7, 2)),
        (day(2026, 2, 1), day(2026, 5, 1)),
        (day(2026, 4, 1), None),
        (None, day(2026, 7, 1)),
    ],
)
def test_any_other_window_is_exploratory(since: datetime | None, until: datetime | None) -> None:
    assert window(since, until, NOW, PLAN, EARLY).kind == "exploratory"


def test_a_window_that_ends_before_it_begins_is_a_sentence() -> None:
    with pytest.raises(Fatal, match="ends before it begins"):
        window(day(2026, 7, 1), day(2026, 7, 1), NOW, PLAN, EARLY)


def test_the_last_quarter_ends_with_the_year_and_other_zones_are_utc() -> None:
    assert is_quarter(day(2025, 10, 1), day(2026, 1, 1))
    vienna = timezone(timedelta(hours=2))
    assert is_quarter(datetime(2026, 4, 1, 2, tzinfo=vienna), datetime(2026, 7, 1, 2, tzinfo=vienna))
    assert not is_quarter(datetime(2026, 4, 1, tzinfo=vienna), datetime(2026, 7, 1, tzinfo=vienna))
