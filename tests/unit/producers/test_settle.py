"""A file is complete when it has stood still, an image ready when its side-car is."""

import pytest

from evenscreen.producers.settle import EMPTY_SETTLE_S, Settler, Stamp
from evenscreen.producers.sidecar import Pairing, Policy, Ready

SETTLE_S = 0.5
WAIT_S = 5.0


def stamp(size_bytes: int = 10, moment: int = 1) -> Stamp:
    return Stamp(size_bytes, moment, moment, 1)


def test_file_is_due_after_it_has_stood_still() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(), now_s=0)
    assert settler.due(0.49) == []
    assert settler.due(0.5) == ["a.jpg"]
    assert settler.confirm("a.jpg", stamp(), 0.5)
    assert len(settler) == 0


def test_growing_file_keeps_waiting() -> None:
    settler = Settler(SETTLE_S)
    for step in range(100):
        settler.observe("a.jpg", stamp(size_bytes=step + 1, moment=step), now_s=step * 0.4)
        assert settler.due(step * 0.4) == []
    assert settler.due(99 * 0.4 + SETTLE_S) == ["a.jpg"]


def test_growth_that_nobody_announced_is_seen_at_the_last_look() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(size_bytes=10), now_s=0)
    assert not settler.confirm("a.jpg", stamp(size_bytes=20), 0.5)
    assert settler.due(0.9) == []
    assert settler.confirm("a.jpg", stamp(size_bytes=20), 1.0)


def test_repeated_news_of_an_unchanged_file_does_not_prolong_its_wait() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(), now_s=0)
    settler.observe("a.jpg", stamp(), now_s=0.4)
    assert settler.due(0.5) == ["a.jpg"]


def test_file_renamed_into_place_waits_for_nothing() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(), now_s=3, in_place=True)
    assert settler.confirm("a.jpg", stamp(), 3)


def test_empty_file_waits_longer_for_its_content() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(size_bytes=0), now_s=0)
    assert settler.due(EMPTY_SETTLE_S - 0.1) == []
    settler.observe("a.jpg", stamp(size_bytes=1, moment=2), now_s=1)
    assert settler.due(1.5) == ["a.jpg"]


def test_file_that_goes_is_forgotten() -> None:
    settler = Settler(SETTLE_S)
    settler.observe("a.jpg", stamp(), now_s=0)
    settler.forget("a.jpg")
    assert settler.due(10) == []
    assert settler.oldest_change_ns() is None


@pytest.mark.parametrize(
    ("policy", "sidecar", "ready_s", "with_sidecar"),
    [
        ("off", False, 0.0, None),
        ("off", True, 0.0, None),
        ("optional", True, 0.0, True),
        ("optional", False, WAIT_S, False),
        ("required", True, 0.0, True),
    ],
)
def test_image_is_ready_when_its_policy_says(
    policy: Policy, sidecar: bool, ready_s: float, with_sidecar: bool | None
) -> None:
    pairing = Pairing(policy, WAIT_S)
    pairing.image_settled("a.jpg", stamp(), 0, sidecar=sidecar)
    if ready_s:
        assert pairing.take_ready(ready_s - 0.01, 10) == []
    assert pairing.take_ready(ready_s, 10) == [Ready("a.jpg", stamp(), with_sidecar)]
    assert pairing.take_ready(1e9, 10) == []


@pytest.mark.parametrize("policy", ["optional", "required"])
def test_wait_ends_as_soon_as_the_sidecar_settles(policy: Policy) -> None:
    pairing = Pairing(policy, WAIT_S)
    pairing.image_settled("a.jpg", stamp(), 0, sidecar=False)
    assert pairing.waiting == 1
    assert not pairing.sidecar_settled("a.jpg")
    assert pairing.take_ready(0.1, 10) == [Ready("a.jpg", stamp(), True)]
    assert pairing.waiting == 0


def test_required_never_announces_without_and_shows_it_waiting() -> None:
    pairing = Pairing("required", WAIT_S)
    pairing.image_settled("a.jpg", stamp(), 0, sidecar=False)
    assert pairing.take_ready(1e9, 10) == []
    assert pairing.waiting == 1


def test_sidecar_after_its_image_was_announced_is_late_once() -> None:
    pairing = Pairing("optional", WAIT_S)
    pairing.image_settled("a.jpg", stamp(), 0, sidecar=False)
    pairing.take_ready(WAIT_S, 10)
    assert pairing.sidecar_settled("a.jpg")
    assert not pairing.sidecar_settled("a.jpg")
    assert not pairing.sidecar_settled("never seen.jpg")


def test_limit_leaves_the_rest_for_the_next_round() -> None:
    pairing = Pairing("off", WAIT_S)
    for name in "abc":
        pairing.image_settled(name, stamp(), 0, sidecar=False)
    assert [image.key for image in pairing.take_ready(0, 2)] == ["a", "b"]
    assert [image.key for image in pairing.take_ready(0, 2)] == ["c"]
