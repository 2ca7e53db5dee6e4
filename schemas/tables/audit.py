"""The terminal row of every screening, and the tables it points to."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.reasons import FstSource, MetadataProblem, Modality, Outcome, Reason
from evenscreen.schemas.tables.base import BRIN, Table, UtcTime, one_of


class Model(Table):
    """A model that has screened here."""

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("threshold BETWEEN 0 AND 10000", name="threshold"),
        {"comment": "One row per model file that a worker has loaded."},
    )

    model_version: Mapped[str] = mapped_column(primary_key=True, comment="name-sha256[:12] of the model file")
    threshold: Mapped[int] = mapped_column(
        SmallInteger, comment="Scores at or above it are flagged (0..10,000)"
    )
    manifest: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The manifest that came with the file")
    registered_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When a worker first loaded it"
    )


class Patient(Table):
    """A pseudonym and the number that stands for it; the number says nothing about the pseudonym."""

    __tablename__ = "patients"
    __table_args__ = (
        UniqueConstraint("pseudonym"),
        {"comment": "Numbers for patients' pseudonyms, so that views need not show pseudonyms."},
    )

    patient_number: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Unlinkable number shown to auditors"
    )
    pseudonym: Mapped[str] = mapped_column(comment="k<key number>:HMAC-SHA256; read by owner and worker only")


class AuditRecord(Table):
    """The terminal row: what became of one object version under one model. Inserted once, never changed."""

    __tablename__ = "audit_records"
    __table_args__ = (
        UniqueConstraint("screening_id", "model_version"),
        CheckConstraint(one_of("outcome", Outcome), name="outcome"),
        CheckConstraint(one_of("reason", Reason), name="reason"),
        CheckConstraint("(outcome = 'rejected') = (reason IS NOT NULL)", name="reason_iff_rejected"),
        CheckConstraint(one_of("fst_source", FstSource), name="fst_source"),
        CheckConstraint("fst BETWEEN 1 AND 6", name="fst"),
        CheckConstraint("(fst IS NULL) = (fst_source = 'unknown')", name="fst_has_source"),
        CheckConstraint(one_of("modality", Modality), name="modality"),
        CheckConstraint(one_of("metadata_problem", MetadataProblem), name="metadata_problem"),
        CheckConstraint("age BETWEEN 0 AND 130", name="age"),
        CheckConstraint("sex IN ('female', 'male', 'other')", name="sex"),
        Index("ix_audit_records_recorded_at", "recorded_at", **BRIN),
        Index("ix_audit_records_accession", "accession", postgresql_where="accession IS NOT NULL"),
        {"comment": "The terminal row: one per object version and model, never changed."},
    )

    audit_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Narrow, insertion-ordered key"
    )
    screening_id: Mapped[UUID] = mapped_column(
        # What has ended was known before: the ledger's arithmetic rests on it.
        ForeignKey("arrivals.screening_id"),
        comment="uuid5 of bucket, key and ETag",
    )
    model_version: Mapped[str] = mapped_column(
        ForeignKey("models.model_version"), comment="The model that the worker ran"
    )
    outcome: Mapped[str] = mapped_column(comment="screened, rejected or superseded")
    reason: Mapped[str | None] = mapped_column(comment="Why it was rejected")
    fst: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Fitzpatrick skin type 1..6, NULL when unknown"
    )
    fst_source: Mapped[str] = mapped_column(comment="reported, estimated, simulated or unknown")
    patient_number: Mapped[int | None] = mapped_column(
        ForeignKey("patients.patient_number"), comment="Number of the patient, if one was named"
    )
    accession: Mapped[str | None] = mapped_column(
        comment="k<key number>:HMAC-SHA256 of the accession number, if one was named; "
        "read by owner and worker only"
    )
    site: Mapped[str | None] = mapped_column(comment="Clinic or hospital")
    device: Mapped[str | None] = mapped_column(comment="Camera or dermatoscope")
    modality: Mapped[str] = mapped_column(comment="dermoscopy, clinical, smartphone or unknown")
    modality_intended: Mapped[bool | None] = mapped_column(
        comment="Whether the model is intended for that modality; NULL when the modality is unknown"
    )
    body_site: Mapped[str | None] = mapped_column(comment="Where on the body")
    age: Mapped[int | None] = mapped_column(SmallInteger, comment="Age in years at acquisition")
    sex: Mapped[str | None] = mapped_column(comment="female, male or other")
    acquired_at: Mapped[UtcTime | None] = mapped_column(comment="When the photograph was taken")
    metadata_problem: Mapped[str | None] = mapped_column(comment="What in the metadata could not be used")
    last_modified: Mapped[UtcTime] = mapped_column(
        comment="Last-Modified of the store at the fetch, else the event's"
    )
    trace_id: Mapped[UUID] = mapped_column(comment="Trace of the event that was screened")
    recorded_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When the row was written"
    )


class Prediction(Table):
    """The model's answer for one screened image."""

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 10000", name="score"),
        {"comment": "One row per screened audit record: the calibrated score and what was decided."},
    )

    audit_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("audit_records.audit_id"),
        primary_key=True,
        comment="The terminal row it belongs to",
    )
    score: Mapped[int] = mapped_column(SmallInteger, comment="Calibrated probability of malignancy x 10,000")
    flagged: Mapped[bool] = mapped_column(comment="Whether the score reached the model's threshold")
    probabilities: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Calibrated probability by label")


class DeadLetter(Table):
    """An event that ended without a prediction because of what it is, with the bytes that said so."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("audit_id"),
        CheckConstraint(one_of("reason", Reason), name="reason"),
        Index(
            "uq_dead_letters_event_sha256_without_audit",
            "event_sha256",
            unique=True,
            postgresql_where="audit_id IS NULL",
        ),
        CheckConstraint("octet_length(event) <= 65536", name="event"),
        # The breaker counts the last minutes before every batch.
        Index("ix_dead_letters_recorded_at", "recorded_at"),
        {"comment": "Rejected images and unreadable events, with the raw event."},
    )

    dead_letter_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Rises with time"
    )
    audit_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("audit_records.audit_id"),
        comment="The terminal row; NULL when no image could be named",
    )
    topic: Mapped[str] = mapped_column(comment="Topic the event came from")
    reason: Mapped[str] = mapped_column(comment="Why it was rejected")
    detail: Mapped[str] = mapped_column(comment="Numbers and format names behind the reason")
    event: Mapped[bytes] = mapped_column(comment="The first 64 KiB of the raw event: holds the key")
    event_size_bytes: Mapped[int] = mapped_column(comment="Size of the whole event")
    event_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the whole event")
    recorded_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When the row was written"
    )
