"""Step 2: what exists is written before the fetch, and what has ended is not fetched again."""

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.record import record
from evenscreen.schemas.reasons import Door

from .images import LABELS, MODEL, OTHER_MODEL, count, image, in_order, screened
from .opposed import opposed


def arrived(engine: Engine, *events: object, model: str = MODEL) -> set[object]:
    with transaction(engine) as connection:
        return arrive(connection, events, model)


def ended(engine: Engine, *events: object, model: str = MODEL) -> None:
    with transaction(engine) as connection:
        record(connection, [screened(e) for e in events], [], model_version=model, labels=LABELS, topic="t")


def test_first_door_and_first_sight_stand(worker: Engine) -> None:
    arrived(worker, image(1, door=Door.RECONCILER, size_bytes=5))
    arrived(worker, image(1, door=Door.NOTIFICATION, size_bytes=7), image(2))
    with transaction(worker) as connection:
        rows = connection.execute(
            text("SELECT door, size_bytes, key, etag FROM arrivals ORDER BY etag")
        ).all()
    assert rows[0] == ("reconciler", 5, "Müller/1.jpg", f"{1:032x}")
    assert len(rows) == 2


def test_an_image_without_terminal_row_needs_work_however_often_it_arrives(worker: Engine) -> None:
    for _ in range(3):
        assert arrived(worker, image(1), image(1)) == set()
    assert count(worker, "arrivals") == 1


def test_an_image_with_a_terminal_row_under_any_model_needs_none(worker: Engine) -> None:
    arrived(worker, image(1), image(2))
    ended(worker, image(1))
    assert arrived(worker, image(1), image(2), model=OTHER_MODEL) == {image(1).screening_id}


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_rescreening_is_needed_until_the_present_model_has_ended_it(
    worker: Engine, order: tuple[bool, bool]
) -> None:
    events = [image(1, rescreen=rescreen) for rescreen in order]
    arrived(worker, *events)
    ended(worker, image(1))
    assert arrived(worker, *events, model=OTHER_MODEL) == set()
    ended(worker, image(1), model=OTHER_MODEL)
    assert arrived(worker, *events, model=OTHER_MODEL) == {image(1).screening_id}


def test_workers_with_the_same_images_in_opposite_order_never_deadlock(worker: Engine) -> None:
    low, middle, high = in_order(3)
    opposed(
        worker,
        lambda holder: arrive(holder, [middle], MODEL),
        [lambda: arrived(worker, low, middle, high), lambda: arrived(worker, high, middle, low)],
    )
    assert count(worker, "arrivals") == 3


def test_an_empty_batch_asks_nothing(worker: Engine) -> None:
    assert arrived(worker) == set()
