"""Step 6: one transaction holds everything, and repeats add nothing."""

import hashlib
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.record import Recorded, Terminal, Unreadable, record
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import ExplanationRequested, ImageArrived
from evenscreen.schemas.metadata import ImageMetadata, parse_metadata
from evenscreen.schemas.reasons import Outcome, Reason

from .images import LABELS, MODEL, OTHER_MODEL, WHEN, count, image, in_order, rejected, screened, superseded
from .opposed import opposed

TABLES = ("arrivals", "audit_records", "predictions", "dead_letters", "outbox", "patients")


def recorded(
    engine: Engine, *terminals: Terminal, unreadable: tuple[Unreadable, ...] = (), model: str = MODEL
) -> Recorded:
    with transaction(engine) as connection:
        arrive(connection, [one.event for one in terminals], model)
    with transaction(engine) as connection:
        return record(
            connection, terminals, unreadable, model_version=model, labels=LABELS, topic="images.arrived"
        )


def rows(engine: Engine, statement: str) -> list[Any]:
    with transaction(engine) as connection:
        return [row._asdict() for row in connection.execute(text(statement))]


def sizes(engine: Engine) -> dict[str, int]:
    return {table: count(engine, table) for table in TABLES}


def mixed_batch() -> tuple[list[Terminal], tuple[Unreadable, ...]]:
    terminals = [
        screened(image(1), flagged=True, pseudonym="k1:aa"),
        screened(image(2), pseudonym="k1:aa"),
        rejected(image(3), Reason.IMAGE_TRUNCATED, detail="1234 of 5678 bytes"),
        superseded(image(4), pseudonym="k1:bb"),
    ]
    return terminals, (Unreadable("images.arrived", b"{", "at json"),)


def test_every_outcome_leaves_its_rows_and_no_others(worker: Engine) -> None:
    terminals, unreadable = mixed_batch()
    found = recorded(worker, *terminals, unreadable=unreadable)
    assert found == Recorded(
        outcomes={Outcome.SCREENED: 2, Outcome.REJECTED: 1, Outcome.SUPERSEDED: 1},
        rejections={Reason.IMAGE_TRUNCATED: 1, Reason.EVENT_UNREADABLE: 1},
        flagged=1,
        repeats=0,
    )
    assert sizes(worker) == {
        "arrivals": 4,
        "audit_records": 4,
        "predictions": 2,
        "dead_letters": 2,
        "outbox": 1,
        "patients": 2,
    }
    [prediction] = rows(worker, "SELECT score, probabilities FROM predictions WHERE flagged")
    assert prediction["score"] == 9000
    assert prediction["probabilities"] == {"benign": pytest.approx(0.1), "malignant": pytest.approx(0.9)}


def test_redelivered_batch_leaves_the_rows_of_one_delivery(worker: Engine) -> None:
    terminals, unreadable = mixed_batch()
    recorded(worker, *terminals, unreadable=unreadable)
    before = {table: rows(worker, f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}
    seed = random.randrange(2**32)
    shuffler = random.Random(seed)
    for _ in range(20):
        shuffler.shuffle(terminals)
        again = recorded(worker, *terminals, unreadable=unreadable)
        assert again == Recorded({}, {}, 0, repeats=5), f"seed {seed}"
    assert {table: rows(worker, f"SELECT * FROM {table} ORDER BY 1") for table in TABLES} == before


def test_an_image_twice_in_one_batch_counts_once(worker: Engine) -> None:
    twice = (screened(image(1), flagged=True), screened(image(1), flagged=True))
    odd = (Unreadable("t", b"{", "at json"), Unreadable("t", b"{", "at json"))
    found = recorded(worker, *twice, unreadable=odd)
    assert found == Recorded({Outcome.SCREENED: 1}, {Reason.EVENT_UNREADABLE: 1}, flagged=1, repeats=2)
    assert count(worker, "predictions") == count(worker, "outbox") == count(worker, "dead_letters") == 1


def test_another_outcome_of_a_repeat_changes_nothing(worker: Engine) -> None:
    recorded(worker, screened(image(1)))
    found = recorded(worker, rejected(image(1)))
    assert found == Recorded({}, {}, 0, repeats=1)
    assert count(worker, "dead_letters") == 0


def test_another_model_adds_a_terminal_row_of_its_own(worker: Engine) -> None:
    recorded(worker, screened(image(1)))
    assert recorded(worker, screened(image(1), flagged=True), model=OTHER_MODEL).flagged == 1
    assert count(worker, "audit_records") == count(worker, "predictions") == 2


def test_workers_with_the_same_batch_leave_one_of_each(worker: Engine) -> None:
    terminals = [screened(image(n), flagged=True, pseudonym=f"k1:{n % 7}") for n in range(100)]
    with transaction(worker) as connection:
        arrive(connection, [one.event for one in terminals], MODEL)
    start = threading.Barrier(4)

    def work(mine: list[Terminal]) -> int:
        start.wait()
        return recorded(worker, *mine).flagged

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(work, [terminals[::step] for step in (1, -1, 1, -1)]))
    assert sum(added) == 100
    assert [count(worker, table) for table in ("audit_records", "predictions", "outbox")] == [100] * 3
    assert count(worker, "patients") == 7
    assert rows(worker, "SELECT FROM audit_records WHERE patient_number IS NULL") == []


def test_workers_with_the_same_images_in_opposite_order_never_deadlock(worker: Engine) -> None:
    images = in_order(3)
    with transaction(worker) as connection:
        arrive(connection, images, MODEL)

    def work(*events: ImageArrived, holder: Connection | None = None) -> Recorded:
        terminals = [screened(event, flagged=True) for event in events]
        given = {"model_version": MODEL, "labels": LABELS, "topic": "t"}
        if holder is not None:
            return record(holder, terminals, [], **given)
        with transaction(worker) as connection:
            return record(connection, terminals, [], **given)

    found = opposed(
        worker,
        lambda holder: work(images[1], holder=holder),
        [lambda: work(*images), lambda: work(*reversed(images))],
    )
    assert sorted((one.flagged, one.repeats) for one in found) == [(0, 3), (2, 1)]


def test_patients_in_opposite_order_never_deadlock(worker: Engine) -> None:
    def work(*patients: str) -> None:
        # Every statement names other images: only the patients can collide.
        images = [image(hash((patients, patient)) % 2**64) for patient in patients]
        recorded(worker, *(screened(one, pseudonym=p) for one, p in zip(images, patients, strict=True)))

    def hold(holder: Connection) -> None:
        holder.execute(text("INSERT INTO patients (pseudonym) VALUES ('k1:b')"))

    opposed(worker, hold, [lambda: work("k1:a", "k1:b", "k1:c"), lambda: work("k1:c", "k1:b", "k1:a")])
    assert count(worker, "patients") == 3
    assert rows(worker, "SELECT FROM audit_records WHERE patient_number IS NULL") == []


@pytest.mark.parametrize("images", [1, 8, 256])
def test_a_batch_of_any_size_takes_five_round_trips(worker: Engine, images: int) -> None:
    terminals = [
        screened(image(n), flagged=n % 3 == 0, pseudonym=f"k1:{n}") if n % 2 else rejected(image(n))
        for n in range(images)
    ]
    with transaction(worker) as connection:
        arrive(connection, [one.event for one in terminals], MODEL)
    trips: list[str] = []
    for name in ("begin", "commit"):
        event.listen(worker, name, lambda *_, name=name: trips.append(name))
    event.listen(worker, "before_cursor_execute", lambda *given: trips.append(given[2].split()[0]))
    with transaction(worker) as connection:
        odd = [Unreadable("t", b"%d" % n, "") for n in range(images)]
        record(connection, terminals, odd, model_version=MODEL, labels=LABELS, topic="t")
    assert len(trips) <= 5, trips
    assert trips[0] == "begin"
    assert trips[-1] == "commit"


def test_a_flagged_image_asks_for_its_explanation(worker: Engine) -> None:
    source = image(1, version_id="v7")
    recorded(worker, screened(source, flagged=True), screened(image(2)))
    [message] = rows(worker, "SELECT screening_id, topic, payload, published_at FROM outbox")
    asked = ExplanationRequested.model_validate_json(bytes(message["payload"]))
    assert message["topic"] == "explanations.requested"
    assert message["published_at"] is None
    assert asked.screening_id == message["screening_id"] == source.screening_id
    assert (asked.model_version, asked.key, asked.version_id) == (MODEL, source.key, "v7")


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 900_000])
def test_a_dead_letter_keeps_the_first_64_kib_and_the_sum_of_all(worker: Engine, size: int) -> None:
    raw = random.Random(size).randbytes(size)
    recorded(worker, rejected(image(1), raw=raw), unreadable=(Unreadable("images.raw", raw, "at json"),))
    letters = rows(worker, "SELECT * FROM dead_letters ORDER BY audit_id NULLS LAST")
    assert [letter["topic"] for letter in letters] == ["images.arrived", "images.raw"]
    assert [letter["reason"] for letter in letters] == ["not_an_image", "event_unreadable"]
    for letter in letters:
        assert bytes(letter["event"]) == raw[:65_536]
        assert letter["event_size_bytes"] == size
        assert letter["event_sha256"] == hashlib.sha256(raw).hexdigest()


def test_metadata_stands_in_the_terminal_row_and_the_identifier_nowhere(worker: Engine) -> None:
    metadata, problem = parse_metadata(
        {
            "fst": "V",
            "patient": "Jane Doe",
            "site": "Zürich",
            "device": "D-7",
            "modality": "clinical",
            "age": 61,
            "sex": "F",
            "body_site": "back",
            "acquired_at": "2026-02-28T09:00:00+01:00",
        }
    )
    recorded(
        worker,
        screened(
            image(1), metadata=metadata, metadata_problem=problem, pseudonym="k1:ff", modality_intended=True
        ),
    )
    [row] = rows(worker, "SELECT * FROM audit_records")
    assert (row["fst"], row["fst_source"], row["site"], row["device"]) == (5, "reported", "Zürich", "D-7")
    assert (row["modality"], row["modality_intended"], row["body_site"]) == ("clinical", True, "back")
    assert (row["age"], row["sex"], row["acquired_at"].isoformat()) == (
        61,
        "female",
        "2026-02-28T08:00:00+00:00",
    )
    assert row["last_modified"] == WHEN
    assert "Jane" not in json.dumps([rows(worker, f"SELECT * FROM {t}") for t in TABLES], default=str)


HOSTILE = (
    "\x00",
    "a\x00b",
    "\ud800",
    "\\u0000",
    "'; DROP TABLE arrivals; --",
    "%s %(x)s :topic",
    "😀" * 16,
    "\\",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_that_comes_with_an_image_can_stop_the_worker(worker: Engine, words: str) -> None:
    metadata, problem = parse_metadata(
        {"site": words, "device": words, "body_site": words, "fst": words, "acquired_at": words}
    )
    recorded(
        worker,
        screened(image(1, key=words.replace("\x00", "n").replace("\ud800", "s"))),
        screened(image(2), metadata=metadata, metadata_problem=problem),
        rejected(image(3), detail=words),
        unreadable=(Unreadable("t", words.encode(errors="replace"), words),),
    )
    assert count(worker, "audit_records") == 3
    assert count(worker, "dead_letters") == 2


@pytest.mark.parametrize(
    "acquired_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z"]
)
def test_no_time_of_acquisition_can_stop_the_worker_or_the_reader(worker: Engine, acquired_at: str) -> None:
    metadata, problem = parse_metadata({"acquired_at": acquired_at})
    recorded(worker, screened(image(1), metadata=metadata, metadata_problem=problem))
    assert len(rows(worker, "SELECT acquired_at FROM audit_records")) == 1


def test_a_batch_is_recorded_whole_or_not_at_all(worker: Engine) -> None:
    stranger = screened(image(2))  # never arrived: the foreign key refuses it
    with transaction(worker) as connection:
        arrive(connection, [image(1)], MODEL)
    with pytest.raises(Fatal, match="23503"), transaction(worker) as connection:
        record(
            connection,
            [screened(image(1), pseudonym="k1:aa"), stranger],
            [],
            model_version=MODEL,
            labels=LABELS,
            topic="t",
        )
    assert sizes(worker) == {table: int(table == "arrivals") for table in TABLES}


def test_a_terminal_that_contradicts_itself_is_not_made() -> None:
    with pytest.raises(ValueError, match="decision"):
        rejected(image(1), decision=screened(image(1)).decision)
    with pytest.raises(ValueError, match="reason"):
        superseded(image(1), reason=Reason.TOO_SMALL)


def test_metadata_defaults_say_unknown(worker: Engine) -> None:
    recorded(worker, screened(image(1), metadata=ImageMetadata()))
    [row] = rows(worker, "SELECT fst, fst_source, modality, patient_number FROM audit_records")
    assert row == {"fst": None, "fst_source": "unknown", "modality": "unknown", "patient_number": None}
