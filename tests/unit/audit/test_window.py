"""Windows: what a plan registered gets a verdict, everything else is a look."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.window import EVER, is_quarter, window
from evenscreen.schemas.errors import Fatal

PLAN = Plan(name="test", maturity_days=90)


def day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


NOW = day(2026, 11, 21)


def test_without_a_window_all_that_was_ever_screened_and_whose_outcomes_are_due() -> None:
    assert window(None, None, NOW, PLAN) == (EVER, NOW - timedelta(days=90), "nightly")


def test_a_calendar_quarter_whose_outcomes_are_due_is_for_drift() -> None:
    assert window(day(2026, 4, 1), day(2026, 7, 1), NOW, PLAN)[2] == "quarter"


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
    assert window(since, until, NOW, PLAN)[2] == "exploratory"


def test_a_window_that_ends_before_it_begins_is_a_sentence() -> None:
    with pytest.raises(Fatal, match="ends before it begins"):
        window(day(2026, 7, 1), day(2026, 7, 1), NOW, PLAN)


def test_the_last_quarter_ends_with_the_year_and_other_zones_are_utc() -> None:
    assert is_quarter(day(2025, 10, 1), day(2026, 1, 1))
    vienna = timezone(timedelta(hours=2))
    assert is_quarter(datetime(2026, 4, 1, 2, tzinfo=vienna), datetime(2026, 7, 1, 2, tzinfo=vienna))
    assert not is_quarter(datetime(2026, 4, 1, tzinfo=vienna), datetime(2026, 7, 1, tzinfo=vienna))
