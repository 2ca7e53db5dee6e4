"""Poison among good images: each kind gets its reason at once, and the worker moves on."""

import hashlib
import json
import random
from datetime import UTC, datetime

from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

from .clinic import Clinic
from .photographs import photograph
from .workers import eventually

GARBAGE = random.Random(7).randbytes(200_000)


def broken_images(clinic: Clinic) -> dict[str, ImageArrived]:
    """One image per reason, put into the bucket."""
    whole = photograph(1_000_000)
    deleted = clinic.put("deleted.png", photograph(1_000_001))
    (clinic.folder / "deleted.png").unlink()
    replaced = clinic.put("replaced.png", photograph(1_000_002))
    clinic.put("replaced.png", photograph(1_000_003))
    elsewhere = ImageArrived(
        bucket="nobody-knows", key="x.png", etag="0" * 32, last_modified=datetime.now(UTC), door=Door.FOLDER
    )
    clinic.events.append(elsewhere)
    return {
        "image_truncated": clinic.put("half.png", whole[: len(whole) // 2]),
        "object_empty": clinic.put("empty.png", b""),
        "not_an_image": clinic.put("letter.jpg", b"Dear colleague, please find attached " * 20),
        "format_unsupported": clinic.put("scan.gif", b"GIF89a" + bytes(64)),
        "object_not_found": deleted,
        "bucket_unknown": elsewhere,
        "superseded": replaced,
    }


def unreadable_events(good: ImageArrived) -> list[bytes]:
    fields = json.loads(good.encoded())
    return [
        b"not json",
        b"",
        GARBAGE,
        json.dumps({**fields, "schema_version": 99}).encode(),
        json.dumps({**fields, "surprise": True}).encode(),
        json.dumps({name: value for name, value in fields.items() if name != "etag"}).encode(),
        b"[]",
    ]


def test_poison_is_dead_lettered_with_its_reason_and_good_images_are_screened(clinic: Clinic) -> None:
    good = clinic.photographs(40)
    poison = broken_images(clinic)
    events = clinic.events
    unreadable = unreadable_events(good[0])
    clinic.announce(events[::2])
    clinic.send_raw(unreadable)
    clinic.announce(events[1::2])
    worker = clinic.crew.start(batch_images="4")
    clinic.wait_until_ended()
    eventually("all is acknowledged", lambda: clinic.group.behind() == 0)
    assert worker.alive

    found = dict(clinic.rows("SELECT screening_id, coalesce(reason, outcome) FROM audit_records"))
    assert {reason: found[event.screening_id] for reason, event in poison.items()} == {
        reason: reason for reason in poison
    }
    assert {found[event.screening_id] for event in good} == {"screened"}

    letters = clinic.rows(
        "SELECT event_sha256, event_size_bytes, event FROM dead_letters WHERE reason = 'event_unreadable'"
    )
    assert {sha256: (size, bytes(event)) for sha256, size, event in letters} == {
        hashlib.sha256(raw).hexdigest(): (len(raw), raw[:65_536]) for raw in unreadable
    }
    rejected = clinic.rows(
        "SELECT r.screening_id, d.event FROM dead_letters d JOIN audit_records r USING (audit_id)"
    )
    assert {id_: bytes(event) for id_, event in rejected} == {
        event.screening_id: event.encoded() for reason, event in poison.items() if reason != "superseded"
    }
    assert worker.metric("evenscreen_rejections_total") == len(poison) - 1 + len(unreadable)
    clinic.assert_nothing_acknowledged_undone()
