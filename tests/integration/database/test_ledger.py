"""The ledger: every image that is known is in exactly one state, whatever walks and workers did."""

import random
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import Ledger, check_arithmetic, ledger
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import ImageArrived

from .images import MODEL, OTHER_MODEL, WHEN, image, rejected, screened, superseded
from .test_record import recorded
from .test_walk import begin, complete, page

Engines = Callable[[str], Engine]


def counted(engine: Engine, **window: Any) -> Ledger:
    with transaction(engine) as connection:
        return ledger(connection, grace_s=300.0, **window)


def states(found: Ledger) -> dict[str, int]:
    return {name: n for name, n in found.model_dump(exclude={"listed_at"}).items() if n}


def test_an_empty_database_adds_up(engine_of: Engines) -> None:
    found = counted(engine_of("operator"))
    assert states(found) == {}
    assert found.listed_at is None


@pytest.mark.parametrize("role", ["operator", "auditor", "owner"])
def test_every_state_is_counted_by_everyone_who_may_count(
    worker: Engine, engine_of: Engines, role: str
) -> None:
    door = engine_of("door")
    recorded(worker, screened(image(1)), screened(image(2)), rejected(image(3)), superseded(image(4)))
    with transaction(worker) as connection:
        arrive(connection, [image(5)], MODEL)
        now = connection.scalar(text("SELECT clock_timestamp()"))
    walk_id = begin(door)
    page(door, walk_id, image(1), image(3), image(5), image(6), image(7), image(8, last_modified=now))
    complete(door, walk_id)
    found = counted(engine_of(role))
    assert states(found) == {
        "known": 7,
        "listed": 6,
        "arrived": 5,
        "screened": 2,
        "rejected": 1,
        "superseded": 1,
        "in_flight": 1,
        "missing": 2,
        "young": 1,
    }
    assert found.listed_at is not None
    assert found.listed_at.utcoffset() == timedelta(0)


def test_an_image_under_several_models_counts_once_and_stays_screened(
    worker: Engine, engine_of: Engines
) -> None:
    recorded(worker, screened(image(1)), rejected(image(2)), superseded(image(3)))
    recorded(worker, superseded(image(1)), screened(image(2)), rejected(image(3)), model=OTHER_MODEL)
    found = states(counted(engine_of("operator")))
    assert found == {"known": 3, "arrived": 3, "screened": 2, "rejected": 1}


def test_an_object_deleted_between_walks_is_listed_no_more_but_stays_screened(
    worker: Engine, engine_of: Engines
) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    recorded(worker, screened(image(1)))
    first = begin(door)
    page(door, first, image(1), image(2))
    complete(door, first)
    assert states(counted(operator)) == {
        "known": 2,
        "listed": 2,
        "arrived": 1,
        "screened": 1,
        "missing": 1,
    }
    complete(door, begin(door))
    assert states(counted(operator)) == {"known": 1, "arrived": 1, "screened": 1}


def test_an_unfinished_walk_takes_nothing_away_and_adds_what_it_saw(engine_of: Engines) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    first = begin(door)
    page(door, first, image(1), image(2))
    assert states(counted(operator)) == {}
    assert counted(operator).listed_at is None
    complete(door, first)
    before = counted(operator).listed_at
    page(door, begin(door), image(3))
    assert states(counted(operator)) == {"known": 3, "listed": 3, "missing": 3}
    assert counted(operator).listed_at == before


def test_two_interleaved_walks_leave_what_the_later_one_saw(engine_of: Engines) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    one, two = begin(door), begin(door)
    page(door, one, image(1), image(2))
    page(door, two, image(1))  # image 2 was deleted in between
    page(door, one, image(3))
    page(door, two, image(3), image(4))  # image 4 is newer than the first walk's page
    complete(door, two)
    complete(door, one)  # the older walk ends last and must not bring image 2 back
    assert states(counted(operator)) == {"known": 3, "listed": 3, "missing": 3}


def test_buckets_are_walked_and_counted_apart(worker: Engine, engine_of: Engines) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    recorded(worker, screened(image(1)), screened(image(1, bucket="other")))
    walk_id = begin(door)
    page(door, walk_id, image(1))
    complete(door, walk_id)
    assert counted(operator).listed_at is None  # the other bucket was never walked
    assert counted(operator, bucket="clinic").listed_at is not None
    assert states(counted(operator, bucket="other")) == {"known": 1, "arrived": 1, "screened": 1}
    assert states(counted(operator, bucket="none")) == {}


def test_windows_are_half_open_and_the_walks_last_modified_comes_first(
    worker: Engine, engine_of: Engines
) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    day = timedelta(days=1)
    recorded(worker, screened(image(1)))  # by its terminal row: WHEN
    recorded(worker, screened(image(2), last_modified=WHEN + day))  # the arrival says WHEN
    with transaction(worker) as connection:
        arrive(connection, [image(3)], MODEL)  # by its arrival: WHEN
    recorded(worker, screened(image(4)))  # the walk says two days later
    walk_id = begin(door)
    page(door, walk_id, image(4, last_modified=WHEN + 2 * day))
    complete(door, walk_id)

    def known(since: timedelta, until: timedelta) -> int:
        return counted(operator, since=WHEN + since, until=WHEN + until).known

    assert known(0 * day, day) == 2
    assert known(day, 2 * day) == 1
    assert known(2 * day, 3 * day) == 1
    assert known(-day, 0 * day) == 0
    assert counted(operator, since=WHEN + day).known == 2
    assert counted(operator, until=WHEN + day).known == 2


def test_any_history_adds_up(worker: Engine, engine_of: Engines) -> None:
    door, operator = engine_of("door"), engine_of("operator")
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    images = [image(n, last_modified=WHEN.astimezone(UTC) + timedelta(hours=n)) for n in range(40)]
    ends = (screened, rejected, superseded)
    for _ in range(25):
        some = chance.sample(images, chance.randint(1, 12))
        match chance.randrange(3):
            case 0:
                with transaction(worker) as connection:
                    arrive(connection, some, MODEL)
            case 1:
                model = chance.choice((MODEL, OTHER_MODEL))
                recorded(worker, *(chance.choice(ends)(one) for one in some), model=model)
            case 2:
                walk_id = begin(door)
                page(door, walk_id, *some)
                if chance.random() < 0.7:
                    complete(door, walk_id)
        whole = counted(operator)
        middle = WHEN + timedelta(hours=20)
        parts = [counted(operator, until=middle), counted(operator, since=middle)]
        for name in states(whole):
            assert getattr(whole, name) == sum(getattr(part, name) for part in parts), f"seed {seed}: {name}"


def test_settled_days_are_counted_as_the_join_counts_them(worker: Engine, engine_of: Engines) -> None:
    """Asked for its only bucket, the ledger joins every row; asked for all, only those of unsettled days."""
    door, operator = engine_of("door"), engine_of("operator")
    ends = (screened, rejected, superseded)
    images = [image(n, last_modified=WHEN + timedelta(hours=3 * n)) for n in range(64)]  # eight days
    recorded(worker, *(ends[n % 3](one) for n, one in enumerate(images)))

    def walk(listed: list[ImageArrived]) -> None:
        walk_id = begin(door)
        page(door, walk_id, *listed)
        complete(door, walk_id)

    def same() -> None:
        for window in (
            {},
            {"since": WHEN + timedelta(days=2)},
            {"until": WHEN + timedelta(days=5)},
            {"since": WHEN + timedelta(days=1, hours=7), "until": WHEN + timedelta(days=6, hours=2)},
        ):
            assert counted(operator, **window) == counted(operator, **window, bucket="clinic"), window

    walk(images)
    assert states(counted(operator)) == {
        "known": 64, "listed": 64, "arrived": 64, "screened": 22, "rejected": 21, "superseded": 21,
    }  # fmt: skip
    same()
    # As many as before on the day, but not the same: one is no longer listed, another never arrived.
    walk([*images[1:], image(100, last_modified=images[0].last_modified)])
    found = counted(operator)
    assert (found.known, found.listed, found.arrived, found.missing) == (65, 64, 64, 1)
    same()
    # A second model ended some otherwise, and a listing moved an image to another day.
    recorded(worker, *(screened(one) for one in images[10:13]), model=OTHER_MODEL)
    walk([*images[:20], *images[21:], image(20, last_modified=WHEN + timedelta(days=7, hours=1))])
    same()
    with transaction(worker) as connection:
        arrive(connection, [image(101, last_modified=WHEN + timedelta(days=4))], MODEL)
    assert counted(operator).in_flight == 1
    same()


@pytest.mark.parametrize("field", ["known", "arrived", "screened", "in_flight", "missing"])
def test_numbers_that_do_not_add_up_are_not_told(field: str) -> None:
    sound = Ledger(
        known=7,
        listed=6,
        arrived=5,
        screened=2,
        rejected=1,
        superseded=1,
        in_flight=1,
        missing=2,
        young=1,
        listed_at=None,
    )
    check_arithmetic(sound)
    with pytest.raises(Fatal, match="does not add up"):
        check_arithmetic(sound.model_copy(update={field: getattr(sound, field) + 1}))
