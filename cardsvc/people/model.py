"""Beneficiaries, and what is known of them: typed, dated facts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

_FILE: dict[str, Any] = {"purpose": "holding the card", "retention": "account"}
_RIGHTS: dict[str, Any] = {"purpose": "deciding on rights", "retention": "rights"}


class Beneficiary(Base):
    """A young person. Their row is what an authorisation locks first. Created by a school roll."""

    __tablename__ = "beneficiary"
    __table_args__ = (
        CheckConstraint("length(ine) = 11", name="ine"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = personal(primary_key=True, **_FILE)
    ine: Mapped[str | None] = personal(unique=True, **_FILE)
    family_name: Mapped[str] = personal(**_FILE)
    usual_name: Mapped[str | None] = personal(**_FILE)
    given_name: Mapped[str] = personal(**_FILE)
    birth_date: Mapped[date] = personal(**_FILE)
    created_at: Mapped[datetime] = plain()


class Fact(Base):
    """One thing known of a beneficiary: a name, a text value, since when, until when, who said so.

    A fact that stops being true gets its `valid_until` (the first day on which it no longer holds);
    a new value is a new row. A fact put right on its first day ends on that day, and holds on none.
    name: `status` (`lyceen`, `apprentice`, `student`, `collegien`), `mef` (11 characters), `grade`
    (`seconde`, `premiere`, `terminale`, `cap1`, `cap2`, `other`), `school` (UAI), `department` (of
    the school, such as `69`), `class`, `school_year` (the year of its rentrée). The birth date is on
    the beneficiary, and is read as the fact `birth_date`. source: who said so, `kind:who`, such as
    `roll:0690026D`; an opaque code, never a person's name.
    """

    __tablename__ = "fact"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,39}$'", name="name"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="valid"),
        Index(
            "uq_fact_open",
            "beneficiary_id",
            "name",
            "value",
            unique=True,
            postgresql_where="valid_until IS NULL",
        ),
        Index("ix_fact_beneficiary_id", "beneficiary_id"),
        Index("ix_fact_name_value", "name", "value"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    beneficiary_id: Mapped[UUID] = personal(ForeignKey("cardsvc.beneficiary.id"), **_RIGHTS)
    name: Mapped[str] = personal(**_RIGHTS)
    value: Mapped[str] = personal(**_RIGHTS)
    source: Mapped[str] = plain()
    valid_from: Mapped[date] = personal(**_RIGHTS)
    valid_until: Mapped[date | None] = personal(**_RIGHTS)
    recorded_at: Mapped[datetime] = plain()
