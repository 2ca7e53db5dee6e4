"""Millions of screened images with outcomes and patients, written by binary COPY.

What workers and label imports would have left: arrivals, terminal rows, predictions, outcomes, a completed
walk that listed every image. Every value comes from a seeded generator. Foreign keys are not checked while
loading and indexes are built once at the end, which leaves the same tables in a twentieth of the time.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from psycopg2.extensions import connection

MODEL = "bench-000000000000"
THRESHOLD = 2_000
DAYS = 730
IMAGES_PER_PATIENT = 2.5
WITHOUT_PATIENT, WITHOUT_FST, REJECTED = 0.03, 0.08, 0.02
CHUNK = 250_000
EPOCH_OF_POSTGRES = np.datetime64("2000-01-01T00:00:00", "us")
BEGIN = np.datetime64("2024-11-01T00:00:00", "us")
DAY = np.timedelta64(1, "D").astype("timedelta64[us]")
SKIN_TYPES = np.array([0.20, 0.30, 0.25, 0.15, 0.07, 0.03])
PREVALENCE = np.array([0.10, 0.09, 0.07, 0.06, 0.05, 0.05])
TABLES = ("patients", "arrivals", "listings", "audit_records", "predictions", "ground_truth")
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)

Column = npt.NDArray[Any] | bytes | None


@dataclass(frozen=True)
class Numbered:
    """Images with consecutive `audit_id` that came in `days` since the beginning, half-open.

    Known since shortly after they came, outcomes up to 60 days later; those of a later day than `DAYS`, since
    `known` (UTC).
    """

    first_id: int
    images: int
    days: tuple[float, float] = (0.0, float(DAYS))
    known: datetime | None = None
    seed: int = 1

    @property
    def late(self) -> bool:
        return self.days[0] >= DAYS


def fill(connection: "connection", images: Numbered, patients: int, progress: Callable[[str], None]) -> None:
    """Write the images as a superuser whose connection commits each statement; make the patients once."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'")
        cursor.execute(
            "INSERT INTO models (model_version, threshold, manifest) VALUES (%s, %s, '{}')"
            " ON CONFLICT DO NOTHING",
            (MODEL, THRESHOLD),
        )
        cursor.execute(
            "INSERT INTO walks (bucket, started_at, completed_at, objects, emitted)"
            " SELECT 'images', clock_timestamp(), clock_timestamp(), %s, 0"
            " WHERE NOT EXISTS (SELECT FROM walks)",
            (images.images,),
        )
        cursor.execute("SELECT max(walk_id), (SELECT count(*) FROM patients) FROM walks")
        walk, known = cursor.fetchone()
        large = images.images > CHUNK
        if large:
            _indexes(cursor, ready=False)
        if known == 0:
            for first in range(1, patients + 1, CHUNK):
                _copy(cursor, "patients", _patients(np.arange(first, min(first + CHUNK, patients + 1))))
        for done, chunk in _chunks(images):
            for table, columns in _rows(chunk, images, patients, walk):
                _copy(cursor, table, columns)
            progress(f"{done:,} of {images.images:,} images written")
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('audit_records', 'audit_id'), max(audit_id))"
            " FROM audit_records"
        )
        if large:
            _indexes(cursor, ready=True)
            for table in TABLES:
                progress(f"indexes of {table}")
                cursor.execute(f"REINDEX TABLE {table}")
                cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("RESET session_replication_role; RESET maintenance_work_mem")


def _indexes(cursor: Any, *, ready: bool) -> None:
    """An index that is not ready is left alone by COPY; REINDEX then builds it in one go."""
    if not ready:
        cursor.execute(
            "UPDATE pg_index SET indisready = false WHERE indrelid = ANY (%s::regclass[])", (list(TABLES),)
        )


def _chunks(images: Numbered) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    for first in range(0, images.images, CHUNK):
        last = min(first + CHUNK, images.images)
        yield last, np.arange(images.first_id + first, images.first_id + last)


def _patients(numbers: npt.NDArray[np.int64]) -> dict[str, Column]:
    return {"patient_number": numbers.astype(">i8"), "pseudonym": _digits(b"k1:", numbers, 64)}


def _rows(
    ids: npt.NDArray[np.int64], images: Numbered, patients: int, walk: int
) -> Iterator[tuple[str, dict[str, Column]]]:
    rng = np.random.default_rng((images.seed, int(ids[0])))
    n = len(ids)
    patient = rng.integers(1, patients + 1, n)
    # Everything that belongs to a patient follows from the number.
    fst = np.searchsorted(np.cumsum(SKIN_TYPES), (patient * 2654435761 % 2**32) / 2**32).clip(0, 5)
    age, sex = (patient * 40503 % 90).astype(">i2"), patient % 2
    camera = rng.integers(0, 24, n)
    malignant = rng.random(n) < PREVALENCE[fst]
    score = (10_000 * np.where(malignant, rng.beta(2.2, 3.0, n), rng.beta(0.9, 9.0, n))).round().astype(">i2")
    begin, end = images.days
    share = (ids - images.first_id + rng.random(n)) / images.images
    modified = BEGIN + ((begin + share * (end - begin)) * 86_400e6).astype("timedelta64[us]")
    recorded = modified + (rng.gamma(2.0, 4.0, n) * 1e6 + 2e6).astype("timedelta64[us]")
    if images.late:
        assert images.known is not None
        recorded = np.full(n, np.datetime64(images.known.replace(tzinfo=None), "us"))
    seen = recorded - (rng.gamma(2.0, 0.5, n) * 1e6).astype("timedelta64[us]")
    due = modified + (rng.uniform(5, 60, n) * 86_400e6).astype("timedelta64[us]")
    known = recorded if images.late else np.minimum(due, BEGIN + int(DAYS) * DAY)
    screening, trace, report = (rng.integers(0, 256, (n, 16), dtype=np.uint8) for _ in range(3))
    yield (
        "arrivals",
        {
            "screening_id": screening,
            "bucket": b"images",
            "key": _digits(b"clinic/", ids, 12),
            "etag": _digits(b"", ids, 32),
            "last_modified": _time(modified),
            "door": b"notification",
            "trace_id": trace,
            "first_seen_at": _time(seen),
        },
    )
    yield (
        "listings",
        {
            "screening_id": screening,
            "bucket": b"images",
            "last_modified": _time(modified),
            "walk_id": np.full(n, walk, ">i8"),
        },
    )
    rejected, named, typed = (
        rng.random(n) < REJECTED,
        rng.random(n) >= WITHOUT_PATIENT,
        rng.random(n) >= WITHOUT_FST,
    )
    record = {
        "audit_id": ids.astype(">i8"),
        "screening_id": screening,
        "fst": (fst + 1).astype(">i2"),
        "patient_number": patient.astype(">i8"),
        "site": _digits(b"site ", camera // 2, 2),
        "device": _digits(b"camera ", camera, 2),
        "modality": np.array([b"dermoscopy", b"smartphone"])[camera % 2],
        "body_site": np.array([b"back", b"face", b"neck", b"hand", b"foot", b"calf"])[rng.integers(0, 6, n)],
        "age": age,
        "sex": sex,
        "last_modified": _time(modified),
        "trace_id": trace,
        "recorded_at": _time(recorded),
    }
    # The binary format gives NULL another length: rows of one shape travel together.
    for is_rejected in (False, True):
        for has_patient in (True, False):
            for has_fst in (True, False):
                for woman in (True, False):
                    some = (
                        (rejected == is_rejected)
                        & (named == has_patient)
                        & (typed == has_fst)
                        & ((sex == 0) == woman)
                    )
                    yield (
                        "audit_records",
                        {
                            **{name: column[some] for name, column in record.items()},
                            "model_version": MODEL.encode(),
                            "outcome": b"rejected" if is_rejected else b"screened",
                            "reason": b"not_an_image" if is_rejected else None,
                            "fst_source": b"reported" if has_fst else b"unknown",
                            "sex": b"female" if woman else b"male",
                            **({} if has_patient else {"patient_number": None}),
                            **({} if has_fst else {"fst": None}),
                        },
                    )
    yield (
        "predictions",
        {
            "audit_id": ids[~rejected].astype(">i8"),
            "score": score[~rejected],
            "flagged": (score[~rejected] >= THRESHOLD).astype(np.uint8),
            "probabilities": _digits(b'\x01{"malignant": 0.', score[~rejected].clip(max=9_999), 4, b"}"),
        },
    )
    yield (
        "ground_truth",
        {
            "report_id": report,
            "screening_id": screening,
            "malignant": malignant.astype(np.uint8),
            "source": b"histopathology",
            "verification_reason": b"routine",
            "reported_at": _time(due),
            "first_of_screening": np.ones(n, np.uint8),
            "imported_by": b"benchmark",
            "batch_id": np.zeros((n, 16), np.uint8),
            "known_at": _time(known),
        },
    )


def _time(moments: npt.NDArray[np.datetime64]) -> npt.NDArray[Any]:
    return (moments - EPOCH_OF_POSTGRES).astype(np.int64).astype(">i8")


def _digits(before: bytes, numbers: npt.NDArray[Any], width: int, after: bytes = b"") -> npt.NDArray[Any]:
    """`numbers` as text of one width."""
    shown = min(width, 18)
    powers = 10 ** np.arange(shown - 1, -1, -1, dtype=np.int64)
    digits = (np.asarray(numbers).astype(np.int64)[:, None] // powers % 10 + ord("0")).astype(np.uint8)
    text = np.empty((len(digits), len(before) + width + len(after)), np.uint8)
    text[:] = np.frombuffer(before + b"0" * width + after, np.uint8)
    end = len(before) + width
    text[:, end - shown : end] = digits
    return text


def _copy(cursor: Any, table: str, columns: dict[str, Column]) -> None:
    """Columns of one length each; bytes: the same in every row; None: NULL; two-dimensional: bytes."""
    rows = next(len(column) for column in columns.values() if isinstance(column, np.ndarray))
    layout: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, column in columns.items():
        layout.append((f"{name} size", ">i4"))
        if isinstance(column, bytes):
            layout.append((name, np.uint8, (len(column),)))
        elif column is not None:
            layout.append((name, column.dtype, column.shape[1:]))
    table_of = np.empty(rows, np.dtype(layout))
    table_of["fields"] = len(columns)
    for name, column in columns.items():
        if column is None:
            table_of[f"{name} size"] = -1
            continue
        table_of[name] = np.frombuffer(column, np.uint8) if isinstance(column, bytes) else column
        table_of[f"{name} size"] = table_of.dtype[name].itemsize
    stream = io.BytesIO(SIGNATURE + table_of.tobytes() + b"\xff\xff")
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", stream)
