"""The declarative base: one naming convention, so that migrations and models agree on every name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BRIN: dict[str, Any] = {"postgresql_using": "brin", "postgresql_with": {"autosummarize": True}}
"""For times of append-only rows. Without autosummarize the newest pages stay unsummarised, and are all read,
until a vacuum that comes once the table has grown by a fifth."""

UtcTime = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Table(DeclarativeBase):
    """Base of every table. Types are the database's own: text, bigint, timestamptz, jsonb, uuid."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text()}


def one_of(column: str, values: Iterable[str]) -> str:
    """A CHECK that a text column holds one of `values`, which may be a StrEnum."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
