"""The base of all tables, and the two ways to declare a column: personal, or plain.

A column that holds data about a person says so where it is declared, with its purpose and how long
it is kept; the register of processing (RGPD article 30) is read from here. A column declared by
neither function fails `make check`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table's base. Integers are 64 bits, times are timezone-aware."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        date: Date,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


@dataclass(frozen=True)
class Personal:
    """Why a personal column is kept, and for how long (the name of a retention rule)."""

    purpose: str
    retention: str


def plain(*args: Any, **options: Any) -> MappedColumn[Any]:
    """Declare a column that holds nothing about a person. Arguments as `mapped_column`."""
    return mapped_column(*args, info={"personal": None}, **options)


def personal(*args: Any, purpose: str, retention: str, **options: Any) -> MappedColumn[Any]:
    """Declare a personal column, or an opaque id of a person. Arguments as `mapped_column`.

    purpose: what it serves, in a few words. retention: the retention rule that deletes it.
    """
    return mapped_column(*args, info={"personal": Personal(purpose, retention)}, **options)
