"""The same object through every door is one image."""

from collections.abc import Callable

from evenscreen.infra.local.reach import Reach
from evenscreen.producers.publish import Message
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

from .clinic import Clinic
from .notifications import notifications
from .photographs import photograph
from .workers import eventually


def test_one_object_through_every_door_has_one_id_and_one_terminal_row(
    clinic: Clinic, fresh_database: Reach, make_topic: Callable[..., str]
) -> None:
    event = clinic.put("a b ü+1.png", photograph(1, malignant=True))
    raw = make_topic("raw", 3)
    door = {"database_url": fresh_database.database_urls["door"], "sidecar": "off", "settle_s": "0.05"}
    relay = clinic.crew.start("worker", "relay", raw_topic=raw, relay_group=f"{raw}-relay", **door)
    folder = clinic.crew.start("watch", **door)
    relay.wait_ready(), folder.wait_ready()
    dialects = notifications(event)
    clinic.publisher.publish([Message(raw, b"", value) for value in dialects.values()])
    # The reconciler: nothing was screened yet, so the object counts as missing.
    assert clinic.crew.start("reconcile", reconcile_grace_s="0", **door).exit_code() == 0
    clinic.announce([event] * 3)
    expected = len(dialects) + 1 + 1 + 3
    eventually("every door has announced it", lambda: clinic.group.behind() >= expected)

    said = [ImageArrived.model_validate_json(value) for value in clinic.group.values(clinic.group.ends())]
    assert {one.screening_id for one in said} == {event.screening_id}
    assert {one.door for one in said} == set(Door)
    worker = clinic.crew.start().wait_ready()
    clinic.wait_until_ended()
    counted = clinic.assert_exactly_once()
    assert (counted.known, counted.screened) == (1, 1)
    assert clinic.count("arrivals") == clinic.count("predictions") == clinic.count("outbox") == 1
    assert worker.metric("evenscreen_repeats_total") == len(said) - 1
