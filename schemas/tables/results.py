"""Plans and results of audits: append-only, so that what was said stays said."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, SmallInteger, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.tables.base import Table, UtcTime

KINDS = "kind IN ('nightly', 'quarter', 'exploratory')"
CONCLUSIONS = "conclusion IN ('even', 'uneven', 'insufficient evidence', 'incomplete', 'no verdict')"


class AuditPlan(Table):
    """A version of a plan, stored when an audit first follows it."""

    __tablename__ = "audit_plans"
    __table_args__ = (
        CheckConstraint("plan_version ~ '^[0-9a-f]{64}$'", name="plan_version"),
        {"comment": "One row per version of an audit plan that an audit followed."},
    )

    plan_version: Mapped[str] = mapped_column(
        primary_key=True, comment="SHA-256 over everything the plan decides"
    )
    name: Mapped[str] = mapped_column(comment="Name of the plan")
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Margins, groups, error rates, maturity")
    registered_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When an audit first followed it"
    )


class AuditResult(Table):
    """What one audit said."""

    __tablename__ = "audit_results"
    __table_args__ = (
        UniqueConstraint(
            "model_version",
            "plan_version",
            "kind",
            "since",
            "until",
            "as_of",
            name="uq_audit_results_question",
        ),
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(CONCLUSIONS, name="conclusion"),
        CheckConstraint("threshold BETWEEN 0 AND 10000", name="threshold"),
        {"comment": "One row per audit: asked again, the same question has the same answer."},
    )

    result_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Rises with time"
    )
    model_version: Mapped[str] = mapped_column(
        ForeignKey("models.model_version"), comment="The model that was audited"
    )
    threshold: Mapped[int] = mapped_column(
        SmallInteger, comment="Scores at or above it were flagged (0..10,000)"
    )
    plan_version: Mapped[str] = mapped_column(
        ForeignKey("audit_plans.plan_version"), comment="The plan that it followed"
    )
    kind: Mapped[str] = mapped_column(comment="nightly, quarter or exploratory")
    since: Mapped[UtcTime] = mapped_column(comment="Begin of the window on Last-Modified")
    until: Mapped[UtcTime] = mapped_column(comment="End of the window, itself not in it")
    as_of: Mapped[UtcTime] = mapped_column(comment="What was known then was counted")
    conclusion: Mapped[str] = mapped_column(
        comment="even, uneven, insufficient evidence, incomplete, or no verdict when exploratory"
    )
    code_version: Mapped[str] = mapped_column(
        comment="Version of evenscreen that computed it and checksum of the code that counts and judges"
    )
    input_sha256: Mapped[str] = mapped_column(
        comment="SHA-256 over the figures and bounds that the verdicts rest on, "
        "comparable within one code_version"
    )
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The whole audit, in the published schema")
    recorded_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When it was stored"
    )


class AuditAnnouncement(Table):
    """What the webhook took: whoever compares with it forgets no change, whatever became of a night."""

    __tablename__ = "audit_announcements"
    __table_args__ = (
        CheckConstraint(CONCLUSIONS, name="conclusion"),
        {"comment": "One row per change of verdict that the webhook has taken."},
    )

    announcement_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Rises with time"
    )
    model_version: Mapped[str] = mapped_column(
        ForeignKey("models.model_version"), comment="The model that was audited"
    )
    plan_version: Mapped[str] = mapped_column(
        ForeignKey("audit_plans.plan_version"), comment="The plan that the audit followed"
    )
    as_of: Mapped[UtcTime] = mapped_column(comment="The midnight whose audit it was")
    conclusion: Mapped[str] = mapped_column(comment="What was told")
    told_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When the receiver had taken it"
    )
