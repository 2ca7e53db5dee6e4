"""When a notification came, by the stamp of its message: of producers' clocks anything can be expected."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from evenscreen.producers.notification_relay import received_at


@pytest.mark.parametrize("timestamp", [None, -1, 0, 4_102_444_800_000, 253_402_300_800_000, 2**63 - 1])
def test_impossible_stamp_is_replaced_by_the_present(timestamp: int | None) -> None:
    received = received_at(SimpleNamespace(timestamp=timestamp))
    assert timedelta() <= datetime.now(UTC) - received < timedelta(minutes=1)


def test_stamp_of_the_past_is_kept() -> None:
    message = SimpleNamespace(timestamp=1_700_000_000_000)
    assert received_at(message) == datetime.fromtimestamp(1_700_000_000, UTC)
