"""Reports that come after the image: outcomes and skin types.

Append-only. A report names an image version, an object (its latest version at the time of the report) or an
accession number; which screenings that means is told by the functions of revision 0002, when somebody asks.
"""

from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Double,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from evenscreen.schemas.labels import MALIGNANT, Diagnosis, OutcomeSource, VerificationReason
from evenscreen.schemas.tables.base import BRIN, Table, UtcTime, one_of

PROBABILITY = "sampling_probability > 0 AND sampling_probability <= 1"
CANCERS = ", ".join(repr(str(one)) for one in Diagnosis if one in MALIGNANT)
ACCESSION = "Pseudonym of the accession number: all images that carry it"
KEY = "Key of an object named without its ETag, meaning its latest version at reported_at: personal data"


def _of_reference(table: str) -> tuple[SchemaItem, ...]:
    return (
        CheckConstraint("num_nonnulls(screening_id, key, accession) = 1", name="one_reference"),
        CheckConstraint("(key IS NULL) = (bucket IS NULL)", name="key_has_bucket"),
        # Hashed: a key may be longer than a B-tree bears.
        Index(f"ix_{table}_key", text("md5(key)"), postgresql_where="key IS NOT NULL"),
        Index(f"ix_{table}_accession", "accession", postgresql_where="accession IS NOT NULL"),
        Index(f"ix_{table}_known_at", "known_at", **BRIN),
    )


class GroundTruth(Table):
    """One outcome report. What it replaces is named by it, never changed."""

    __tablename__ = "ground_truth"
    __table_args__ = (
        *_of_reference("ground_truth"),
        CheckConstraint("NOT first_of_screening OR screening_id IS NOT NULL", name="first_of_screening"),
        CheckConstraint(one_of("diagnosis", Diagnosis), name="diagnosis"),
        CheckConstraint(
            f"diagnosis IS NULL OR diagnosis = '{Diagnosis.ACTINIC_KERATOSIS}'"
            f" OR malignant = (diagnosis IN ({CANCERS}))",
            name="diagnosis_agrees",
        ),
        CheckConstraint(one_of("source", OutcomeSource), name="source"),
        CheckConstraint(one_of("verification_reason", VerificationReason), name="verification_reason"),
        CheckConstraint(PROBABILITY, name="sampling_probability"),
        CheckConstraint(
            f"verification_reason <> '{VerificationReason.RANDOM_SAMPLE}'"
            " OR sampling_probability IS NOT NULL",
            name="sample_has_probability",
        ),
        Index(
            "uq_ground_truth_first_of_screening",
            "screening_id",
            unique=True,
            postgresql_where="first_of_screening",
        ),
        Index(
            "ix_ground_truth_further_of_screening",
            "screening_id",
            postgresql_where="screening_id IS NOT NULL AND NOT first_of_screening",
        ),
        {
            "comment": "Outcome reports: what was found, who found it, when it was reported and when it "
            "became known here."
        },
    )

    report_id: Mapped[UUID] = mapped_column(
        primary_key=True,
        comment="uuid5 of reference, source, time, outcome and what it supersedes: "
        "the same report again is the same row",
    )
    screening_id: Mapped[UUID | None] = mapped_column(comment="The image version, where the report names it")
    bucket: Mapped[str | None] = mapped_column(
        comment="Bucket of an object that the report names without its ETag"
    )
    key: Mapped[str | None] = mapped_column(comment=KEY)
    accession: Mapped[str | None] = mapped_column(comment=ACCESSION)
    malignant: Mapped[bool] = mapped_column(comment="What was found")
    diagnosis: Mapped[str | None] = mapped_column(comment="Which kind of finding, of a closed list")
    source: Mapped[str] = mapped_column(comment="histopathology, consensus, follow_up or registry")
    verification_reason: Mapped[str] = mapped_column(
        comment="Why it was verified: flagged, clinical, random_sample, routine or unknown"
    )
    sampling_probability: Mapped[float | None] = mapped_column(
        Double,
        comment="Probability with which this case was chosen for verification, if it was by chance",
    )
    reported_at: Mapped[UtcTime] = mapped_column(comment="Validity time: when the source reported it")
    supersedes: Mapped[UUID | None] = mapped_column(comment="The report that this one replaces")
    first_of_screening: Mapped[bool] = mapped_column(
        comment="Whether it came first of all reports that name this screening id"
    )
    imported_by: Mapped[str] = mapped_column(comment="Who brought it here")
    batch_id: Mapped[UUID] = mapped_column(comment="The import that brought it")
    known_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="Knowledge time: when the row was written"
    )


class SkinTypeReport(Table):
    """One skin type that came after its image, or corrects another."""

    __tablename__ = "skin_type_reports"
    __table_args__ = (
        *_of_reference("skin_type_reports"),
        CheckConstraint("fst BETWEEN 1 AND 6", name="fst"),
        CheckConstraint("fst_source IN ('reported', 'estimated', 'simulated')", name="fst_source"),
        Index(
            "ix_skin_type_reports_screening_id",
            "screening_id",
            postgresql_where="screening_id IS NOT NULL",
        ),
        {
            "comment": "Skin types that came after the image, and corrections: of those known, the latest "
            "reported counts."
        },
    )

    report_id: Mapped[UUID] = mapped_column(
        primary_key=True,
        comment="uuid5 of reference, source, time and skin type: the same report again is the same row",
    )
    screening_id: Mapped[UUID | None] = mapped_column(comment="The image version, where the report names it")
    bucket: Mapped[str | None] = mapped_column(
        comment="Bucket of an object that the report names without its ETag"
    )
    key: Mapped[str | None] = mapped_column(comment=KEY)
    accession: Mapped[str | None] = mapped_column(comment=ACCESSION)
    fst: Mapped[int] = mapped_column(SmallInteger, comment="Fitzpatrick skin type 1..6")
    fst_source: Mapped[str] = mapped_column(comment="reported, estimated or simulated")
    reported_at: Mapped[UtcTime] = mapped_column(comment="Validity time: when the source reported it")
    imported_by: Mapped[str] = mapped_column(comment="Who brought it here")
    batch_id: Mapped[UUID] = mapped_column(comment="The import that brought it")
    known_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="Knowledge time: when the row was written"
    )
