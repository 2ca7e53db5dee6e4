"""What audits of millions of images are summed from: signed rows with the time they became known.

Only the functions `audit.increment` and `audit.roll_up` of the database write these tables.
"""

from datetime import date

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.tables.base import BRIN, Table, UtcTime


class Increment(Table):
    """One run of `audit.increment`."""

    __tablename__ = "audit_increments"
    __table_args__ = (
        UniqueConstraint("as_of"),
        {"comment": "One row per run of audit.increment(): what was known at its time stands in the sums."},
    )

    increment_id: Mapped[int] = mapped_column(
        Identity(always=True), primary_key=True, comment="Rises with as_of"
    )
    as_of: Mapped[UtcTime] = mapped_column(
        comment="The knowledge time: everything known until then is summed"
    )
    entries: Mapped[int] = mapped_column(BigInteger, comment="Rows that it added to audit_entries")


class IncrementDay(Table):
    """What one run of `audit.increment` added for images of one day."""

    __tablename__ = "audit_increment_days"
    __table_args__ = ({"comment": "How many rows each increment added to audit_entries, by day."},)

    day: Mapped[date] = mapped_column(primary_key=True, comment="Day (UTC) of Last-Modified")
    increment_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="The increment")
    entries: Mapped[int] = mapped_column(comment="Rows that it added for images of the day")


class Group(Table):
    """A group of images of a model, in one dimension."""

    __tablename__ = "audit_groups"
    __table_args__ = (
        UniqueConstraint("description"),
        {"comment": "One row per group of images of a model that any dimension knows."},
    )

    group_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, comment="Narrow key")
    description: Mapped[str] = mapped_column(
        comment="The group as text: what makes it unique, NULLs included"
    )
    model_version: Mapped[str] = mapped_column(comment="The model that the worker ran")
    number: Mapped[int] = mapped_column(
        SmallInteger, comment="The place of its dimension in audit_strata.group_ids"
    )
    dimension: Mapped[str] = mapped_column(
        comment="all, fst, fst_group, fst_source, site, modality, age_band, sex, body_site, device, "
        "or fst at site"
    )
    fst_source: Mapped[str | None] = mapped_column(
        comment="Of groups of skin types: where the type came from"
    )
    value: Mapped[str | None] = mapped_column(comment="The group, NULL where unknown")
    site: Mapped[str | None] = mapped_column(comment="Clinic or hospital, of fst at site")


class Kind(Table):
    """A way in which images end."""

    __tablename__ = "audit_kinds"
    __table_args__ = (
        UniqueConstraint("description"),
        {"comment": "One row per way in which images end, whatever group they are in."},
    )

    kind_id: Mapped[int] = mapped_column(
        Identity(always=True),
        primary_key=True,
        comment="Narrow key, from 1; 0 stands for latencies of all kinds",
    )
    description: Mapped[str] = mapped_column(comment="The kind as text: what makes it unique, NULLs included")
    outcome: Mapped[str] = mapped_column(comment="screened, rejected or superseded")
    reason: Mapped[str | None] = mapped_column(comment="Why it was rejected")
    flagged: Mapped[bool | None] = mapped_column(
        comment="Whether the score reached the threshold; NULL unless screened"
    )
    malignant: Mapped[bool | None] = mapped_column(comment="The outcome; NULL when unknown or contradictory")
    contradictory: Mapped[bool] = mapped_column(comment="Whether outcomes contradict each other")


class Stratum(Table):
    """A combination of everything about a case that has few values."""

    __tablename__ = "audit_strata"
    __table_args__ = (
        UniqueConstraint("description"),
        {"comment": "One row per combination of everything about a case that has few values."},
    )

    stratum_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, comment="Narrow key")
    description: Mapped[str] = mapped_column(
        comment="The combination as text: what makes it unique, NULLs included"
    )
    model_version: Mapped[str] = mapped_column(comment="The model that the worker ran")
    fst_source: Mapped[str] = mapped_column(comment="reported, estimated, simulated or unknown")
    fst: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Fitzpatrick skin type 1..6, NULL when unknown"
    )
    outcome: Mapped[str] = mapped_column(comment="screened, rejected or superseded")
    reason: Mapped[str | None] = mapped_column(comment="Why it was rejected")
    flagged: Mapped[bool | None] = mapped_column(
        comment="Whether the score reached the threshold; NULL unless screened"
    )
    malignant: Mapped[bool | None] = mapped_column(comment="The outcome; NULL when unknown or contradictory")
    contradictory: Mapped[bool] = mapped_column(comment="Whether outcomes contradict each other")
    site: Mapped[str | None] = mapped_column(comment="Clinic or hospital")
    device: Mapped[str | None] = mapped_column(comment="Camera or dermatoscope")
    modality: Mapped[str] = mapped_column(comment="dermoscopy, clinical, smartphone or unknown")
    body_site: Mapped[str | None] = mapped_column(comment="Where on the body")
    age_band: Mapped[str | None] = mapped_column(comment="Age at acquisition in bands")
    sex: Mapped[str | None] = mapped_column(comment="female, male or other")
    label_source: Mapped[str | None] = mapped_column(comment="The reference standard of the outcome")
    verification_reason: Mapped[str | None] = mapped_column(comment="Why the outcome was looked for")
    kind_id: Mapped[int] = mapped_column(comment="How images of the combination end")
    group_ids: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), comment="Their group in every dimension, by its number"
    )


class CaseEntry(Table):
    """A case as it was known, or, with sign -1, is no longer known to be."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint("sign IN (-1, 1)", name="sign"),
        Index("ix_audit_entries_last_modified", "last_modified", **BRIN),
        Index("ix_audit_entries_increment_id", "increment_id", **BRIN),
        {
            "comment": "Signed cases: the sum of the signs of a case is 1. "
            "Without foreign keys, as one function writes them."
        },
    )

    audit_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The terminal row it speaks of"
    )
    patient_number: Mapped[int | None] = mapped_column(
        BigInteger, comment="Number of the patient, if one was named"
    )
    last_modified: Mapped[UtcTime] = mapped_column(comment="Last-Modified of the store: audits' windows")
    sampling_probability: Mapped[float | None] = mapped_column(
        comment="Probability with which it was drawn for verification, where it was"
    )
    increment_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="The increment that added the row: its knowledge time"
    )
    stratum_id: Mapped[int] = mapped_column(comment="Everything about the case that has few values")
    latency_ms: Mapped[int | None] = mapped_column(comment="From the first reading of the event to the row")
    score: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Calibrated probability of malignancy x 10,000; NULL unless screened"
    )
    sign: Mapped[int] = mapped_column(
        SmallInteger,
        primary_key=True,
        autoincrement=False,
        comment="1 adds the case as described, -1 takes it back",
    )


class Period(Table):
    """A day, a month or one of the longer periods whose images were counted."""

    __tablename__ = "audit_periods"
    __table_args__ = (
        UniqueConstraint("first_day", "last_day", "through_increment_id"),
        {
            "comment": "Days, months, quarters, years and their halves whose images were counted once for "
            "all windows."
        },
    )

    period_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, comment="Narrow key")
    first_day: Mapped[date] = mapped_column(comment="First day of the period")
    last_day: Mapped[date] = mapped_column(comment="Last day of the period")
    through_increment_id: Mapped[int] = mapped_column(comment="The newest increment that the sums hold")
    images: Mapped[int] = mapped_column(BigInteger, comment="How many images it counts")


class PeriodSum(Table):
    """Images of one group and kind in a period by exact number, as known at its increment."""

    __tablename__ = "audit_sums"
    __table_args__ = (
        {
            "comment": "The histograms of a period: what audit_entries sum to, "
            "made again from them at any time."
        },
    )

    period_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="The period and the increment it was summed at"
    )
    group_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="The group of the images"
    )
    kind_id: Mapped[int] = mapped_column(
        primary_key=True,
        autoincrement=False,
        comment="How they ended; 0: numbers are latencies in ms, not scores",
    )
    numbers: Mapped[list[int]] = mapped_column(
        ARRAY(Integer),
        comment="Scores x 10,000, NULL where there is none; or latencies in ms",
    )
    images: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), comment="How many images have the number at the same place"
    )


class StratumSum(Table):
    """Screened images of one stratum in a period whose outcome is reported, as known at its increment."""

    __tablename__ = "audit_stratum_sums"
    __table_args__ = (
        {
            "comment": "How many screened images with an outcome a period has of each stratum: "
            "where their outcomes come from."
        },
    )

    period_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="The period and the increment it was summed at"
    )
    stratum_id: Mapped[int] = mapped_column(
        primary_key=True,
        autoincrement=False,
        comment="Everything about the images that has few values",
    )
    drawn: Mapped[bool] = mapped_column(primary_key=True, comment="Whether the outcome came of a random draw")
    images: Mapped[int] = mapped_column(comment="How many images")
