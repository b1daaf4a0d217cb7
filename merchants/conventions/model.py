"""Conventions. Versions and transitions are only ever appended; a trigger refuses the transitions
that `convention_allowed` doesn't hold, and those that don't follow the last one.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

STATES = ("draft", "active", "suspended", "terminated")


class Convention(Base):
    """One agreement with one merchant, from draft to termination."""

    __tablename__ = "convention"
    __table_args__ = ({"schema": "merchants"},)

    id: Mapped[UUID] = plain(primary_key=True)
    merchant_id: Mapped[UUID] = plain(ForeignKey("merchants.merchant.id"), index=True)
    created_at: Mapped[datetime] = plain()


class ConventionVersion(Base):
    """The terms from a date on: what is signed is what runs. Never changed; an amendment is a new
    version. The version in force is the highest number whose period holds the moment.
    """

    __tablename__ = "convention_version"
    __table_args__ = (
        UniqueConstraint("convention_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="valid"),
        CheckConstraint("jsonb_typeof(parameters -> 'categories') = 'array'", name="categories"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    convention_id: Mapped[UUID] = plain(ForeignKey("merchants.convention.id"))
    number: Mapped[int] = plain()
    parameters: Mapped[dict[str, Any]] = plain()
    valid_from: Mapped[datetime] = plain()
    valid_until: Mapped[datetime | None] = plain()
    created_at: Mapped[datetime] = plain()


class ConventionTransition(Base):
    """A change of state, numbered from 1 (nothing → draft) in each convention."""

    __tablename__ = "convention_transition"
    __table_args__ = (
        CheckConstraint(f"to_state IN {STATES}", name="to_state"),
        {"schema": "merchants"},
    )

    convention_id: Mapped[UUID] = plain(ForeignKey("merchants.convention.id"), primary_key=True)
    number: Mapped[int] = plain(primary_key=True)
    from_state: Mapped[str | None] = plain()
    to_state: Mapped[str] = plain()
    reason: Mapped[str] = personal(purpose="managing conventions", retention="accounting")
    at: Mapped[datetime] = plain()


class ConventionAllowed(Base):
    """A transition that a convention may make. Filled by the migration, read by the application."""

    __tablename__ = "convention_allowed"
    __table_args__ = ({"schema": "merchants"},)

    from_state: Mapped[str] = plain(primary_key=True)
    to_state: Mapped[str] = plain(primary_key=True)
