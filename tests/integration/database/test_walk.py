"""What a walk of the bucket finds lost, however many walk at once."""

from datetime import timedelta

from sqlalchemy import Engine, text

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.walk import PageResult, begin_walk, compare_page, complete_walk, stuck_arrivals
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

from .images import MODEL, WHEN, image, in_order, rejected, screened, superseded
from .opposed import opposed
from .test_record import recorded, rows

GRACE_S = 300.0


def begin(door: Engine) -> int:
    with transaction(door) as connection:
        return begin_walk(connection, "clinic")


def page(door: Engine, walk_id: int, *events: ImageArrived, grace_s: float = GRACE_S) -> PageResult:
    listed = [(event.screening_id, event.last_modified) for event in events]
    with transaction(door) as connection:
        return compare_page(connection, walk_id, listed, "clinic", grace_s)


def complete(door: Engine, walk_id: int, objects: int = 0) -> None:
    with transaction(door) as connection:
        complete_walk(connection, walk_id, objects=objects, emitted=0)


def age_arrivals(owner: Engine) -> None:
    with transaction(owner) as connection:
        connection.execute(text("UPDATE arrivals SET first_seen_at = first_seen_at - interval '10 min'"))


def stuck(door: Engine, *, limit: int = 1000, grace_s: float = GRACE_S) -> list[ImageArrived]:
    found: list[ImageArrived] = []
    while True:
        after = found[-1].screening_id if found else None
        with transaction(door) as connection:
            more = stuck_arrivals(connection, "clinic", grace_s, after, limit)
        found += more
        if len(more) < limit:
            return found


def ids(*events: ImageArrived) -> set[object]:
    return {event.screening_id for event in events}


def test_a_page_tells_missing_from_stuck_from_done(worker: Engine, owner: Engine, engine_of) -> None:
    door = engine_of("door")
    recorded(worker, screened(image(1)), rejected(image(2)), superseded(image(3)))
    with transaction(worker) as connection:
        arrive(connection, [image(4)], MODEL)
    age_arrivals(owner)
    with transaction(worker) as connection:
        arrive(connection, [image(5)], MODEL)
    with transaction(owner) as connection:
        now = connection.scalar(text("SELECT clock_timestamp()"))
    young = image(7, last_modified=now)
    found = page(door, begin(door), *(image(n) for n in range(1, 7)), young)
    assert found == PageResult(missing=ids(image(6)), stuck=ids(image(4)))


def test_an_empty_page_and_a_name_listed_twice_are_no_trouble(engine_of) -> None:
    door = engine_of("door")
    walk_id = begin(door)
    assert page(door, walk_id) == PageResult(set(), set())
    assert page(door, walk_id, image(1), image(1)).missing == ids(image(1))
    assert page(door, walk_id, image(1)).missing == ids(image(1))


def test_a_listing_keeps_the_latest_walk_that_saw_it(engine_of) -> None:
    door = engine_of("door")
    older, newer = begin(door), begin(door)
    page(door, newer, image(1, last_modified=WHEN + timedelta(hours=1)))
    page(door, older, image(1), image(2))
    found = {row["screening_id"]: row for row in rows(door, "SELECT * FROM listings")}
    assert found[image(1).screening_id]["walk_id"] == newer
    assert found[image(1).screening_id]["last_modified"] == WHEN + timedelta(hours=1)
    assert found[image(2).screening_id]["walk_id"] == older


def test_a_completed_walk_stays_as_it_was_completed(engine_of) -> None:
    door = engine_of("door")
    walk_id = begin(door)
    complete(door, walk_id, objects=3)
    [before] = rows(door, "SELECT * FROM walks")
    complete(door, walk_id, objects=99)
    assert rows(door, "SELECT * FROM walks") == [before]
    assert before["objects"] == 3


def test_stuck_arrivals_come_back_as_events_listed_or_not(worker: Engine, owner: Engine, engine_of) -> None:
    lost = [image(n, version_id=f"v{n}", size_bytes=n) for n in range(25)]
    with transaction(worker) as connection:
        arrive(connection, [*lost, image(1, bucket="other")], MODEL)
    recorded(worker, *(screened(image(n)) for n in range(100, 120)))
    age_arrivals(owner)
    with transaction(worker) as connection:
        arrive(connection, [image(200)], MODEL)
    found = stuck(engine_of("door"), limit=4)
    assert [event.screening_id for event in found] == sorted(ids(*lost))
    expected = {event.screening_id: event.model_copy(update={"door": Door.RECONCILER}) for event in lost}
    assert {event.screening_id: event for event in found} == expected


def test_what_is_emitted_again_and_screened_is_stuck_no_more(
    worker: Engine, owner: Engine, engine_of
) -> None:
    door = engine_of("door")
    with transaction(worker) as connection:
        arrive(connection, [image(1)], MODEL)
    age_arrivals(owner)
    [again] = stuck(door)
    recorded(worker, screened(again))
    assert stuck(door) == []
    assert page(door, begin(door), image(1)) == PageResult(set(), set())


def test_walks_over_the_same_page_in_opposite_order_never_deadlock(engine_of) -> None:
    door = engine_of("door")
    low, middle, high = in_order(3)
    held, one, two = begin(door), begin(door), begin(door)
    opposed(
        door,
        lambda holder: compare_page(holder, held, [(middle.screening_id, WHEN)], "clinic", GRACE_S),
        [lambda: page(door, one, low, middle, high), lambda: page(door, two, high, middle, low)],
    )
    assert [row["walk_id"] for row in rows(door, "SELECT walk_id FROM listings")] == [two] * 3
