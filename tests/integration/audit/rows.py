"""Terminal rows to fill a database with, under a model of their own, so that tables do not meet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from psycopg2.extras import execute_values, register_uuid
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.plan import Margins, Plan
from evenscreen.pipeline.database import transaction

WHEN = datetime(2026, 3, 2, 12, tzinfo=UTC)
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)
THRESHOLD = 5000
WIDE = Plan(name="wide", margins=Margins(sensitivity=0.15, specificity=0.15, auroc=0.15, calibration=0.3))
register_uuid()


@dataclass(frozen=True)
class Case:
    """One image; without a score it was rejected for `reason`, `malignant` None means no outcome."""

    score: int | None
    malignant: bool | None = None
    patient: str | None = None
    fst: int | None = 2
    fst_source: str = "reported"
    site: str | None = "north"
    modality: str = "dermoscopy"
    age: int | None = 50
    sex: str | None = "female"
    body_site: str | None = "back"
    device: str | None = "camera"
    outcome: str | None = None
    reason: str = "not_an_image"
    when: datetime = WHEN
    latency_s: float = 2.0
    verification_reason: str = "unknown"
    sampling_probability: float | None = None
    source: str = "histopathology"

    @property
    def ended(self) -> str:
        return self.outcome or ("rejected" if self.score is None else "screened")


def cases(per_class: int, types: tuple[int, ...] = (2, 4, 6), missed: float = 0.1) -> list[Case]:
    """`per_class` positives and negatives of each type; of type VI a share `missed` is missed."""
    draw = np.random.default_rng(5)

    def one(fst: int, malignant: bool) -> Case:
        wrong = draw.random() < (missed if malignant and fst == 6 else 0.1)
        flagged = malignant != wrong
        low, high = (5000, 10_001) if flagged else (0, 5000)
        return Case(int(draw.integers(low, high)), malignant, fst=fst, patient=None)

    return [one(fst, malignant) for fst in types for malignant in (True, False) for _ in range(per_class)]


def insert(owner: Engine, cases: Iterable[Case], model: str | None = None) -> tuple[str, list[UUID]]:
    """Write the cases as the workers would have; returns the model and the screening ids, in order."""
    cases, model, now = list(cases), model or f"m-{uuid4().hex[:12]}", datetime.now(UTC)
    ids = [uuid4() for _ in cases]
    with transaction(owner) as connection:
        connection.execute(
            text(
                "INSERT INTO models (model_version, threshold, manifest) VALUES (:model, :threshold, '{}')"
                " ON CONFLICT DO NOTHING"
            ),
            {"model": model, "threshold": THRESHOLD},
        )
        numbers = _patients(connection, {case.patient for case in cases if case.patient is not None}, model)
        cursor = connection.connection.cursor()
        execute_values(
            cursor,
            "INSERT INTO arrivals"
            " (screening_id, bucket, key, etag, last_modified, door, trace_id, first_seen_at)"
            " VALUES %s",
            [
                (
                    i,
                    "b",
                    f"Doe^Jane/{i}",
                    "e7a6",
                    c.when,
                    "folder",
                    uuid4(),
                    now - timedelta(seconds=c.latency_s),
                )
                for i, c in zip(ids, cases, strict=True)
            ],
        )
        records = execute_values(
            cursor,
            "INSERT INTO audit_records (screening_id, model_version, outcome, reason, fst, fst_source,"
            " patient_number, site, device, modality, body_site, age, sex, last_modified, trace_id)"
            " VALUES %s RETURNING audit_id",
            [_record(i, c, model, numbers) for i, c in zip(ids, cases, strict=True)],
            fetch=True,
        )
        scored = [
            (a, c.score, c.score >= THRESHOLD, "{}")
            for (a,), c in zip(records, cases, strict=True)
            if c.score is not None
        ]
        if scored:
            execute_values(
                cursor, "INSERT INTO predictions (audit_id, score, flagged, probabilities) VALUES %s", scored
            )
    label(owner, [(i, c) for i, c in zip(ids, cases, strict=True) if c.malignant is not None])
    return model, ids


def label(owner: Engine, found: Sequence[tuple[UUID, Case]]) -> None:
    """An outcome report of each screening, a contradiction where one is there that says otherwise."""
    if not found:
        return
    with transaction(owner) as connection:
        known = set(connection.scalars(text("SELECT screening_id FROM ground_truth")))
        execute_values(
            connection.connection.cursor(),
            "INSERT INTO ground_truth (report_id, screening_id, malignant, source, verification_reason,"
            " sampling_probability, reported_at, first_of_screening, imported_by, batch_id) VALUES %s",
            [
                (
                    uuid4(),
                    i,
                    c.malignant,
                    c.source,
                    c.verification_reason,
                    c.sampling_probability,
                    c.when,
                    i not in known,
                    "test",
                    uuid4(),
                )
                for i, c in found
            ],
        )


def _patients(connection: Any, names: set[str], model: str) -> dict[str, int]:
    return {
        name: connection.scalar(
            text(
                "INSERT INTO patients (pseudonym) VALUES (:name)"
                " ON CONFLICT (pseudonym) DO UPDATE SET pseudonym = :name RETURNING patient_number"
            ),
            {"name": f"k1:{model}:{name}"},
        )
        for name in sorted(names)
    }


def _record(screening_id: UUID, case: Case, model: str, numbers: dict[str, int]) -> tuple[Any, ...]:
    return (
        screening_id,
        model,
        case.ended,
        case.reason if case.ended == "rejected" else None,
        case.fst,
        "unknown" if case.fst is None else case.fst_source,
        None if case.patient is None else numbers[case.patient],
        case.site,
        case.device,
        case.modality,
        case.body_site,
        case.age,
        case.sex,
        case.when,
        uuid4(),
    )
