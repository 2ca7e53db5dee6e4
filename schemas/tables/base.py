"""The declarative base: one naming convention, so that migrations and models agree on every name."""

from typing import Annotated
from datetime import datetime

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

UtcTime = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Table(DeclarativeBase):
    """Base of every table. Types are the database's own: text, bigint, timestamptz, jsonb, uuid."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text()}


def one_of(column: str, values: type) -> str:
    """A CHECK that a text column holds a value of a StrEnum."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"  # type: ignore[attr-defined]
