"""Messages that must be published because their transaction was committed."""

from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.tables.base import Table, UtcTime


class OutboxMessage(Table):
    """Written with the rows it speaks of; the relay publishes it afterwards and marks it."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unpublished", "message_id", postgresql_where="published_at IS NULL"),
        {"comment": "Messages to publish to Kafka after their transaction."},
    )

    message_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Order of publication"
    )
    screening_id: Mapped[UUID] = mapped_column(comment="The screening it speaks of; the Kafka key")
    topic: Mapped[str] = mapped_column(comment="Where it goes")
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="The encoded event: holds the key")
    created_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When its transaction wrote it"
    )
    published_at: Mapped[UtcTime | None] = mapped_column(
        comment="When Kafka acknowledged it; NULL until then"
    )
