"""Schools, the rolls that they send, who is on them, and the codes handed out in class."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

_RIGHTS: dict[str, Any] = {"purpose": "deciding on rights", "retention": "rights"}
_BINDING: dict[str, Any] = {"purpose": "binding a sign-in to a pupil", "retention": "school year"}


class School(Base):
    """A school of the national directory.

    kind: `general_technological`, `general`, `technological`, `polyvalent`, `vocational`,
    `agricultural` or `other`, out of RAMSESE's nature code, which is kept. department: `69`, `2A`,
    `974`. Coordinates in degrees (WGS 84), both or neither.
    """

    __tablename__ = "school"
    __table_args__ = (
        # Three digits of département, four of number, one key letter (its value: see uai.py).
        CheckConstraint("uai ~ '^[0-9]{3}[0-9]{4}[A-HJ-NPR-Z]$'", name="uai"),
        CheckConstraint("sector IN ('public', 'private')", name="sector"),
        CheckConstraint("state IN ('open', 'closing', 'closed')", name="state"),
        CheckConstraint("department ~ '^([0-9]{2,3}|2[AB])$'", name="department"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    uai: Mapped[str] = plain(unique=True)
    name: Mapped[str] = plain()
    kind: Mapped[str] = plain()
    nature_code: Mapped[str] = plain()
    sector: Mapped[str] = plain()
    address: Mapped[str] = plain()
    postal_code: Mapped[str] = plain()
    town: Mapped[str] = plain()
    insee: Mapped[str] = plain()
    department: Mapped[str] = plain()
    academy: Mapped[str] = plain()
    latitude: Mapped[float | None] = plain(Double)
    longitude: Mapped[float | None] = plain(Double)
    state: Mapped[str] = plain()
    recorded_at: Mapped[datetime] = plain()


class Roll(Base):
    """One roll that was imported, never changed afterwards. school_year: the year of its rentrée.

    file_hash: SHA-256 of what the file says (unzipped). imported_by: the identity of who did it,
    none for a command. The figures are what the import did.
    """

    __tablename__ = "roll"
    __table_args__ = (
        CheckConstraint("length(file_hash) = 32", name="file_hash"),
        CheckConstraint("school_year BETWEEN 2000 AND 2999", name="school_year"),
        Index("ix_roll_school_id_imported_at", "school_id", "imported_at"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    school_id: Mapped[UUID] = plain(ForeignKey("cardsvc.school.id"))
    school_year: Mapped[int] = plain()
    format: Mapped[str] = plain()
    file_hash: Mapped[bytes] = plain()
    exported_on: Mapped[date | None] = plain()
    imported_at: Mapped[datetime] = plain()
    imported_by: Mapped[UUID | None] = personal(purpose="knowing who did what", retention="trace")
    new_pupils: Mapped[int] = plain()
    changed_pupils: Mapped[int] = plain()
    left_pupils: Mapped[int] = plain()
    unchanged_pupils: Mapped[int] = plain()
    skipped_pupils: Mapped[int] = plain()


class RollLine(Base):
    """Where a pupil is: one line for a school and a year, as the school's last roll says it.

    What it said before is in the dated facts. left_on: the day from which the school no longer
    lists them (or another school does); a pupil has one open line at most. roll_id: the roll that
    last changed the line.
    """

    __tablename__ = "roll_line"
    __table_args__ = (
        UniqueConstraint("school_id", "school_year", "beneficiary_id"),
        Index(
            "uq_roll_line_open", "beneficiary_id", unique=True, postgresql_where="left_on IS NULL"
        ),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    school_id: Mapped[UUID] = personal(ForeignKey("cardsvc.school.id"), **_RIGHTS)
    school_year: Mapped[int] = personal(**_RIGHTS)
    beneficiary_id: Mapped[UUID] = personal(ForeignKey("cardsvc.beneficiary.id"), **_RIGHTS)
    class_name: Mapped[str] = personal("class", **_RIGHTS)
    grade: Mapped[str] = personal(**_RIGHTS)
    mef: Mapped[str] = personal(**_RIGHTS)
    status: Mapped[str] = personal(**_RIGHTS)
    roll_id: Mapped[UUID] = plain(ForeignKey("cardsvc.roll.id"))
    left_on: Mapped[date | None] = personal(**_RIGHTS)


class RollDraft(Base):
    """A roll that a secretary has sent and not yet confirmed: one a school, gone once confirmed,
    replaced, or a day old.
    """

    __tablename__ = "roll_draft"
    __table_args__ = {"schema": "cardsvc"}

    id: Mapped[UUID] = plain(primary_key=True)
    school_id: Mapped[UUID] = plain(ForeignKey("cardsvc.school.id"), unique=True)
    content: Mapped[bytes] = personal(purpose="confirming a roll", retention="one day")
    uploaded_at: Mapped[datetime] = plain()


class RollCode(Base):
    """A one-time code on a class sheet: it binds a sign-in to a pupil, once.

    code_hash: a keyed hash (HMAC-SHA-256); the code itself is on the paper only. A pupil has one
    live code at most; a newer one revokes it. used_by_hash: SHA-256 of a random value in the cookie of
    the browser that used it, which may repeat its code for a few minutes; none where it had no cookie.
    """

    __tablename__ = "roll_code"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires"),
        CheckConstraint("used_at IS NULL OR revoked_at IS NULL", name="one_end"),
        CheckConstraint("length(code_hash) = 32", name="code_hash"),
        CheckConstraint(
            "used_by_hash IS NULL OR (used_at IS NOT NULL AND length(used_by_hash) = 32)",
            name="used_by_hash",
        ),
        Index("ix_roll_code_beneficiary_id", "beneficiary_id"),
        Index(
            "uq_roll_code_live",
            "beneficiary_id",
            unique=True,
            postgresql_where="used_at IS NULL AND revoked_at IS NULL",
        ),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    beneficiary_id: Mapped[UUID] = personal(ForeignKey("cardsvc.beneficiary.id"), **_BINDING)
    school_id: Mapped[UUID] = plain(ForeignKey("cardsvc.school.id"))
    code_hash: Mapped[bytes] = personal(unique=True, **_BINDING)
    created_at: Mapped[datetime] = plain()
    expires_at: Mapped[datetime] = plain()
    used_at: Mapped[datetime | None] = personal(**_BINDING)
    used_by_hash: Mapped[bytes | None] = personal(**_BINDING)
    revoked_at: Mapped[datetime | None] = plain()
