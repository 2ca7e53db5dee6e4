"""Random samples of unflagged cases, drawn so that somebody finds out how many of them were malignant."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.tables.base import Table, UtcTime


class VerificationDraw(Table):
    """What was drawn from what, and how, so that anyone can draw it again."""

    __tablename__ = "verification_draws"
    __table_args__ = (
        UniqueConstraint("model_version", "since", "until", "seed", "wanted"),
        CheckConstraint("since < until", name="window"),
        CheckConstraint("wanted > 0", name="wanted"),
        CheckConstraint("population > 0", name="population"),
        {"comment": "Random samples of unflagged cases for verification: what was drawn from what, and how."},
    )

    draw_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Rises with time"
    )
    model_version: Mapped[str] = mapped_column(
        ForeignKey("models.model_version"), comment="The model that flagged none of the cases"
    )
    since: Mapped[UtcTime] = mapped_column(comment="Begin of the window on Last-Modified, included")
    until: Mapped[UtcTime] = mapped_column(comment="End of the window, excluded")
    seed: Mapped[int] = mapped_column(
        BigInteger, comment="Cases are drawn in the order of md5(seed:screening_id)"
    )
    wanted: Mapped[int] = mapped_column(comment="How many cases were asked for")
    population: Mapped[int] = mapped_column(
        BigInteger, comment="How many unflagged cases had no outcome then"
    )
    drawn_by: Mapped[str] = mapped_column(comment="Who drew")
    drawn_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When, and as of when outcomes were looked at"
    )


class VerificationSample(Table):
    """One case of a draw."""

    __tablename__ = "verification_samples"
    __table_args__ = (
        CheckConstraint(
            "sampling_probability > 0 AND sampling_probability <= 1", name="sampling_probability"
        ),
        Index("ix_verification_samples_screening_id", "screening_id"),
        {"comment": "The cases of each draw."},
    )

    draw_id: Mapped[int] = mapped_column(
        ForeignKey("verification_draws.draw_id"), primary_key=True, comment="The draw"
    )
    screening_id: Mapped[UUID] = mapped_column(primary_key=True, comment="The case to verify")
    sampling_probability: Mapped[float] = mapped_column(
        Double,
        comment="Probability with which the draw chose it: "
        "the size of the sample over that of the population",
    )
