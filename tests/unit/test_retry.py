"""Bad weather is ridden out; everything else passes; a stop ends a pause at once."""

import random
import threading

import pytest

from evenscreen.pipeline.retry import Stopped, Weather
from evenscreen.schemas.errors import Fatal, Rejected, Transient
from evenscreen.schemas.reasons import Reason

CLOUD = Transient("database", "57P01")


class Clock(threading.Event):
    """A stop signal that notes how long it was waited on, without waiting; set after `stop_after` pauses."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._stop_after = stop_after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses.append(timeout)
        if self._stop_after is not None and len(self.pauses) >= self._stop_after:
            self.set()
        return self.is_set()


def longest(_: float, high: float) -> float:
    return high


def failing(times: int, error: Exception = CLOUD) -> tuple[list[int], object]:
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return calls, work


def test_transient_faults_are_retried_until_the_work_succeeds() -> None:
    calls, work = failing(50)
    assert Weather(Clock(), 30.0, lambda *_: None).ride_out(work) == "done"
    assert len(calls) == 51


def test_pauses_double_up_to_the_cap_and_stay_there() -> None:
    clock = Clock()
    _, work = failing(2000)
    Weather(clock, 3.0, lambda *_: None, uniform=longest).ride_out(work)
    assert clock.pauses[:6] == [0.25, 0.5, 1.0, 2.0, 3.0, 3.0]
    assert set(clock.pauses[4:]) == {3.0}


def test_jitter_is_full() -> None:
    clock = Clock()
    _, work = failing(400)
    Weather(clock, 1.0, lambda *_: None, uniform=random.Random(7).uniform).ride_out(work)
    late = clock.pauses[2:]
    assert min(late) < 0.05
    assert max(late) > 0.95
    assert all(0.0 <= pause <= 1.0 for pause in late)


def test_every_failure_is_told_with_the_pause_that_follows() -> None:
    clock = Clock()
    told: list[tuple[Transient, float]] = []
    _, work = failing(3)
    Weather(clock, 30.0, lambda *failure: told.append(failure), uniform=longest).ride_out(work)
    assert told == [(CLOUD, pause) for pause in clock.pauses]


def test_stop_ends_a_pause_and_the_work_is_not_tried_again() -> None:
    calls, work = failing(100)
    with pytest.raises(Stopped):
        Weather(Clock(stop_after=3), 30.0, lambda *_: None).ride_out(work)
    assert len(calls) == 3


def test_stop_from_another_thread_wakes_a_real_pause() -> None:
    stop = threading.Event()
    weather = Weather(stop, 3600.0, lambda *_: stop.set(), uniform=lambda *_: 3600.0)
    with pytest.raises(Stopped):
        weather.ride_out(failing(1)[1])


def test_undisturbed_work_is_finished_even_after_stop() -> None:
    stop = threading.Event()
    stop.set()
    assert Weather(stop, 30.0, lambda *_: None).ride_out(lambda: 42) == 42


@pytest.mark.parametrize("error", [Fatal("no"), Rejected(Reason.OBJECT_EMPTY), ValueError("no")])
def test_what_is_not_weather_passes_at_once(error: Exception) -> None:
    clock = Clock()
    calls, work = failing(1, error)
    with pytest.raises(type(error)):
        Weather(clock, 30.0, lambda *_: None).ride_out(work)
    assert len(calls) == 1
    assert clock.pauses == []


def test_each_ride_begins_with_a_short_pause() -> None:
    clock = Clock()
    weather = Weather(clock, 30.0, lambda *_: None, uniform=longest)
    weather.ride_out(failing(5)[1])
    weather.ride_out(failing(1)[1])
    assert clock.pauses[-1] == 0.25
