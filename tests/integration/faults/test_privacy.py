"""No key, identifier or secret in any log, metric or error, on good days and on bad ones."""

import json

from ..conftest import StackHandle
from .clinic import Clinic
from .photographs import photograph
from .workers import eventually

NAME = "Müller-Anna-1950"
PATIENT = "P-SECRET-1"


def telltales(clinic: Clinic) -> list[bytes]:
    """What must not be read anywhere: name, patient, ETag, password, pseudonym key, as UTF-8 and escaped."""
    words = [NAME, NAME.encode("unicode_escape").decode(), "ller-Anna", PATIENT]
    words += [event.etag for event in clinic.events]
    url = clinic.crew.environment["EVENSCREEN_DATABASE_URL"]
    words.append(url.split(":", 2)[2].split("@")[0])
    return [word.encode() for word in words]


def put_telltales(clinic: Clinic) -> None:
    for suffix, content in (
        ("a.png", photograph(1)),
        ("b.png", photograph(2, malignant=True)),
        ("c.png", photograph(3)[:500]),
        ("d.jpg", f"A letter about {NAME}".encode()),
        ("e.png", b""),
    ):
        clinic.put(f"{NAME}-{suffix}", content)
        sidecar = {"patient": PATIENT, "issuer": "clinic", "fst": 3, "age": f"{PATIENT} is no age"}
        (clinic.folder / f"{NAME}-{suffix}.json").write_text(json.dumps(sidecar))
    clinic.put(f"{NAME}-gone.png", photograph(4))
    (clinic.folder / f"{NAME}-gone.png").unlink()


def test_nothing_personal_or_secret_is_said_anywhere(clinic: Clinic, stack_handle: StackHandle) -> None:
    put_telltales(clinic)
    unreadable = [
        b'{"key": "%s"' % NAME.encode(),
        b'{"key": 7, "bucket": ["%s"], "%s": 1}' % (PATIENT.encode(), NAME.encode()),
    ]
    clinic.send_raw(unreadable)
    worker = clinic.crew.start(batch_images="2", database_pool="2")
    with clinic.database.held("predictions"):
        clinic.announce(clinic.events)
        eventually("it is inside its transaction", clinic.database.waiting)
        clinic.database.cut_sessions()
    clinic.wait_until_ended()
    eventually("the unreadable are buried", lambda: clinic.count("dead_letters") == 4 + len(unreadable))
    told = [worker.get(path)[1] for path in ("/metrics", "/healthz", "/readyz")]

    # A refused statement: its DETAIL would quote the failing row.
    clinic.database.execute("ALTER TABLE predictions ADD CONSTRAINT never CHECK (score < 0) NOT VALID")
    clinic.database.execute(
        "ALTER TABLE arrivals ADD CONSTRAINT no_z CHECK (key NOT LIKE '%z.png') NOT VALID"
    )
    clinic.announce([clinic.put(f"{NAME}-y.png", photograph(5))])
    assert worker.exit_code() == 78
    second = clinic.crew.start()
    assert second.exit_code() == 78
    clinic.database.execute("ALTER TABLE predictions DROP CONSTRAINT never")
    clinic.announce([clinic.put(f"{NAME}-z.png", photograph(6))])
    third = clinic.crew.start()
    assert third.exit_code() == 78
    assert "SQLSTATE 23514" in third.output

    log = stack_handle.root / "log"
    said = {
        "workers": clinic.crew.output().encode(),
        "metrics": "".join(told).encode(),
        "postgres": (log / "postgres.log").read_bytes(),
        "kafka": (log / "kafka.log").read_bytes(),
    }
    assert b"image rejected" in said["workers"]
    assert b"evenscreen_rejections_total" in said["metrics"]
    assert all(said.values())
    found = {(who, word) for who, words in said.items() for word in telltales(clinic) if word in words}
    assert found == set()
