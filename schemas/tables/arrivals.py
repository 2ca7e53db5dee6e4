"""What is known to exist: arrivals (a door said so) and listings (a walk of the bucket said so)."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.reasons import Door
from evenscreen.schemas.tables.base import BRIN, Table, UtcTime, one_of


class Arrival(Table):
    """The first time any door announced an object version; written before its fetch, never changed."""

    __tablename__ = "arrivals"
    __table_args__ = (
        CheckConstraint(one_of("door", Door), name="door"),
        CheckConstraint("size_bytes >= 0", name="size_bytes"),
        Index("ix_arrivals_first_seen_at", "first_seen_at", **BRIN),
        # For reports that name an object without its ETag. Hashed: a key may be longer than a B-tree bears.
        Index("ix_arrivals_key", "key", postgresql_using="hash"),
        {"comment": "One row per object version: the first door that announced it, before it is fetched."},
    )

    screening_id: Mapped[UUID] = mapped_column(primary_key=True, comment="uuid5 of bucket, key and ETag")
    bucket: Mapped[str] = mapped_column(comment="Bucket that holds the object")
    key: Mapped[str] = mapped_column(comment="Object key: personal data, shown in no view")
    etag: Mapped[str] = mapped_column(comment="ETag without quotes")
    version_id: Mapped[str | None] = mapped_column(
        comment="Version id where the store gave one; serves fetching only"
    )
    size_bytes: Mapped[int | None] = mapped_column(BigInteger, comment="Size that the door announced, if any")
    last_modified: Mapped[UtcTime] = mapped_column(
        comment="Last-Modified of the store, or the time of the notification"
    )
    door: Mapped[str] = mapped_column(comment="The door that announced it first")
    trace_id: Mapped[UUID] = mapped_column(comment="Trace of the event that arrived first")
    first_seen_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When a worker first read the event"
    )


class Walk(Table):
    """One pass of the reconciler over a bucket."""

    __tablename__ = "walks"
    __table_args__ = ({"comment": "One row per pass of the reconciler over a bucket."},)

    walk_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Rises with time"
    )
    bucket: Mapped[str] = mapped_column(index=True, comment="Bucket that was walked")
    started_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="When the walk began"
    )
    completed_at: Mapped[UtcTime | None] = mapped_column(
        comment="When its last page was stored; NULL while walking or when it was cut short"
    )
    objects: Mapped[int | None] = mapped_column(BigInteger, comment="Images listed by the completed walk")
    emitted: Mapped[int | None] = mapped_column(BigInteger, comment="Events published again by the walk")


class Listing(Table):
    """An object version that a walk saw; listed means seen by the last complete walk or a later one."""

    __tablename__ = "listings"
    __table_args__ = (
        {
            "comment": "One row per object version that a walk of the bucket has seen.",
            # Each walk rewrites walk_id, which no index holds: free space keeps updates in the page (HOT).
            "postgresql_with": {"fillfactor": 70},
        },
    )

    screening_id: Mapped[UUID] = mapped_column(primary_key=True, comment="uuid5 of bucket, key and ETag")
    bucket: Mapped[str] = mapped_column(comment="Bucket that was walked")
    last_modified: Mapped[UtcTime] = mapped_column(comment="Last-Modified of the store")
    walk_id: Mapped[int] = mapped_column(BigInteger, comment="The latest walk that saw it")
