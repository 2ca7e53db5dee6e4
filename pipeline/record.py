"""Step 6 of a batch: the one transaction. Terminal rows first; what hangs on them only where they are new.

The same image delivered a hundred times, in any order, to any number of workers, leaves the rows of one
delivery: the unique key of `audit_records` decides, and only the rows it lets in bring anything with them.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from evenscreen.pipeline.dead_letter import Unreadable, bury, letter
from evenscreen.pipeline.decide import Decision
from evenscreen.schemas import topics
from evenscreen.schemas.events import ExplanationRequested, ImageArrived
from evenscreen.schemas.metadata import ImageMetadata
from evenscreen.schemas.reasons import MetadataProblem, Outcome, Reason

__all__ = ["Recorded", "Terminal", "Unreadable", "record"]

# A statement of its own: the next one must see the numbers that other workers gave meanwhile.
NUMBER_PATIENTS = text("""
INSERT INTO patients (pseudonym)
SELECT pseudonym
FROM json_array_elements_text(:pseudonyms) AS named(pseudonym)
WHERE NOT EXISTS (SELECT FROM patients AS known WHERE known.pseudonym = named.pseudonym)
ORDER BY pseudonym
ON CONFLICT DO NOTHING
""")

# Sorted by id, so that two workers with the same images wait for each other instead of deadlocking.
RECORD = text("""
WITH terminal AS (
    SELECT *
    FROM json_to_recordset(:terminals) AS t(
        screening_id uuid, outcome text, reason text, fst smallint, fst_source text, pseudonym text,
        accession text, site text, device text, modality text, modality_intended boolean, body_site text,
        age smallint, sex text, acquired_at timestamptz, metadata_problem text, last_modified timestamptz,
        trace_id uuid, score smallint, flagged boolean, probabilities jsonb, request text,
        detail text, event text, event_size_bytes integer, event_sha256 text
    )
),
audit AS (
    INSERT INTO audit_records (
        screening_id, model_version, outcome, reason, fst, fst_source, patient_number, accession, site,
        device, modality, modality_intended, body_site, age, sex, acquired_at, metadata_problem,
        last_modified, trace_id
    )
    SELECT
        screening_id, :model_version, outcome, reason, fst, fst_source,
        (SELECT patient_number FROM patients AS p WHERE p.pseudonym = terminal.pseudonym),
        accession, site, device, modality, modality_intended, body_site, age, sex, acquired_at,
        metadata_problem, last_modified, trace_id
    FROM terminal
    ORDER BY screening_id
    ON CONFLICT (screening_id, model_version) DO NOTHING
    RETURNING audit_id, screening_id
),
new AS (
    SELECT * FROM audit JOIN terminal USING (screening_id)
),
prediction AS (
    INSERT INTO predictions (audit_id, score, flagged, probabilities)
    SELECT audit_id, score, flagged, probabilities FROM new WHERE outcome = 'screened'
),
dead AS (
    INSERT INTO dead_letters (audit_id, topic, reason, detail, event, event_size_bytes, event_sha256)
    SELECT audit_id, :topic, reason, detail, decode(event, 'base64'), event_size_bytes, event_sha256
    FROM new
    WHERE outcome = 'rejected'
),
request AS (
    INSERT INTO outbox (screening_id, topic, payload)
    SELECT screening_id, :requests, convert_to(request, 'UTF8') FROM new WHERE request IS NOT NULL
)
SELECT screening_id FROM audit
""")


FROM_METADATA = {"fst", "fst_source", "site", "device", "modality", "body_site", "age", "sex", "acquired_at"}


@dataclass(frozen=True)
class Terminal:
    """How one image ended under the model at hand; `raw` is the value of the Kafka message that named it."""

    event: ImageArrived
    raw: bytes
    outcome: Outcome
    reason: Reason | None
    detail: str
    metadata: ImageMetadata
    metadata_problem: MetadataProblem | None
    pseudonym: str | None
    modality_intended: bool | None
    last_modified: datetime
    decision: Decision | None
    accession: str | None = None
    """Pseudonym of the accession number."""

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.SCREENED) != (self.decision is not None):
            raise ValueError("a decision belongs to every screened image and to no other")
        if (self.outcome is Outcome.REJECTED) != (self.reason is not None):
            raise ValueError("a reason belongs to every rejected image and to no other")


@dataclass(frozen=True)
class Recorded:
    """What a batch really added; everything else in it was there before and counts as a repeat."""

    outcomes: dict[Outcome, int]
    rejections: dict[Reason, int]
    flagged: int
    repeats: int


def record(
    connection: Connection,
    terminals: Sequence[Terminal],
    unreadable: Sequence[Unreadable],
    *,
    model_version: str,
    labels: Sequence[str],
    topic: str,
) -> Recorded:
    """Writes all rows of a batch in at most three statements; `labels` name the probabilities.

    Everything is durable, or nothing, once the caller's transaction is. The images must have arrived
    (`arrive`) and the model be registered. Of several terminals of one image the first counts.
    """
    first: dict[UUID, Terminal] = {}
    for one in terminals:
        first.setdefault(one.event.screening_id, one)
    if pseudonyms := dict.fromkeys(one.pseudonym for one in first.values() if one.pseudonym):
        connection.execute(NUMBER_PATIENTS, {"pseudonyms": json.dumps(list(pseudonyms))})
    new: list[Terminal] = []
    if first:
        rows = [_row(id_, one, model_version, labels) for id_, one in first.items()]
        parameters = {
            "terminals": json.dumps(rows, ensure_ascii=False, allow_nan=False),
            "model_version": model_version,
            "topic": topic,
            "requests": topics.EXPLANATIONS_REQUESTED,
        }
        new = [first[id_] for id_ in connection.scalars(RECORD, parameters)]
    buried = bury(connection, unreadable)
    rejections = Counter(one.reason for one in new if one.reason)
    rejections[Reason.EVENT_UNREADABLE] += buried
    return Recorded(
        outcomes=dict(Counter(one.outcome for one in new)),
        rejections=dict(+rejections),
        flagged=sum(one.decision is not None and one.decision.flagged for one in new),
        repeats=len(terminals) + len(unreadable) - len(new) - buried,
    )


def _row(id_: UUID, one: Terminal, model_version: str, labels: Sequence[str]) -> dict[str, object]:
    row = {
        "screening_id": str(id_),
        "outcome": one.outcome,
        "reason": one.reason,
        "pseudonym": one.pseudonym,
        "accession": one.accession,
        "modality_intended": one.modality_intended,
        "last_modified": one.last_modified.isoformat(),
        "trace_id": str(one.event.trace_id),
        "metadata_problem": one.metadata_problem,
        **one.metadata.model_dump(mode="json", include=FROM_METADATA),
    }
    if one.outcome is Outcome.REJECTED:
        row |= letter(one.raw, one.detail)
    if one.decision is not None:
        row |= {
            "score": one.decision.score,
            "flagged": one.decision.flagged,
            "probabilities": dict(zip(labels, one.decision.probabilities, strict=True)),
        }
        if one.decision.flagged:
            row["request"] = _request(id_, one.event, model_version)
    return row


def _request(id_: UUID, event: ImageArrived, model_version: str) -> str:
    return ExplanationRequested(
        screening_id=id_,
        model_version=model_version,
        bucket=event.bucket,
        key=event.key,
        etag=event.etag,
        version_id=event.version_id,
        trace_id=event.trace_id,
    ).model_dump_json()
