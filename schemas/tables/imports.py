"""Imports of files that began, ended or were abandoned, and rows of those that have not come whole."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Integer, SmallInteger, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from evenscreen.schemas.labels import COUNTED, ImportStep
from evenscreen.schemas.tables.base import Table, UtcTime, one_of


class LabelImport(Table):
    """One announcement of an import as it came through one partition of the topic."""

    __tablename__ = "label_imports"
    __table_args__ = (
        CheckConstraint(one_of("step", (*ImportStep, COUNTED)), name="step"),
        CheckConstraint("partition >= 0 AND partition < partitions", name="partition"),
        CheckConstraint("reports >= 0", name="reports"),
        CheckConstraint(f"(reports IS NULL) = (step = '{ImportStep.ABANDONED}')", name="has_reports"),
        {
            "comment": "What was announced of imports of files, once per partition of the topic: a step is "
            "behind, or before, the rows of its own partition."
        },
    )

    batch_id: Mapped[UUID] = mapped_column(
        primary_key=True, comment="The import, as its reports bear it: of the content of the file"
    )
    step: Mapped[str] = mapped_column(
        primary_key=True,
        comment="begun, finished or abandoned, as announced; counted, when all of a finished import began "
        "to count",
    )
    announced_at: Mapped[UtcTime] = mapped_column(
        primary_key=True, comment="Clock of whoever imports: one announcement, the same in every partition"
    )
    partition: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="The partition through which it came"
    )
    partitions: Mapped[int] = mapped_column(SmallInteger, comment="In how many it was announced")
    reports: Mapped[int | None] = mapped_column(Integer, comment="Rows of the file; NULL when abandoned")
    announced_by: Mapped[str] = mapped_column(comment="Who imports, or who abandoned it")
    known_at: Mapped[UtcTime] = mapped_column(
        server_default=func.clock_timestamp(), comment="Knowledge time: when the row was written"
    )


class HeldReport(Table):
    """A row of a file that has not come whole. Deleted when it begins to count, or is abandoned."""

    __tablename__ = "held_reports"
    __table_args__ = (
        CheckConstraint("num_nonnulls(outcome, skin_type) > 0", name="says_something"),
        {"comment": "Rows of files that have not come whole."},
    )

    batch_id: Mapped[UUID] = mapped_column(primary_key=True, comment="The import, as its reports bear it")
    row: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="Number of the row in the file"
    )
    outcome: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="What will be a row of ground_truth; its key, if it has one, is personal data"
    )
    skin_type: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="What will be a row of skin_type_reports; its key, if it has one, is personal data"
    )
