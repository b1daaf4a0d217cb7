"""What a secretary sees of the roll: its state, the classes, and who in a class has a code."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cardsvc.people import readable
from cardsvc.schools.model import Roll

BOUND, CODE_GIVEN, CODE_EXPIRED, NO_CODE = "bound", "given", "expired", "none"


@dataclass(frozen=True)
class ClassCounts:
    """A class: how many pupils, how many of them bound, how many with a code that still works."""

    name: str
    pupils: int
    bound: int
    coded: int


@dataclass(frozen=True)
class ClassPupil:
    """A pupil of a class. code_state: `bound`, `given`, `expired` or `none`."""

    beneficiary_id: UUID
    name: str = field(repr=False)
    code_state: str


_CLASSES = text("""
    SELECT l.class, count(*) AS pupils,
           count(*) FILTER (WHERE c.used) AS bound,
           count(*) FILTER (WHERE NOT c.used AND c.live) AS coded
      FROM cardsvc.roll_line l
      CROSS JOIN LATERAL (
           SELECT count(used_at) > 0 AS used,
                  count(*) FILTER (WHERE used_at IS NULL AND revoked_at IS NULL
                                     AND expires_at > :at) > 0 AS live
             FROM cardsvc.roll_code WHERE beneficiary_id = l.beneficiary_id) c
     WHERE l.school_id = :school AND l.left_on IS NULL
     GROUP BY l.class ORDER BY l.class
""")

_PUPILS = text("""
    SELECT b.id, b.given_name, coalesce(b.usual_name, b.family_name) AS family_name,
           c.used, c.live, c.known
      FROM cardsvc.roll_line l
      JOIN cardsvc.beneficiary b ON b.id = l.beneficiary_id
      CROSS JOIN LATERAL (
           SELECT count(used_at) > 0 AS used, count(*) > 0 AS known,
                  count(*) FILTER (WHERE used_at IS NULL AND revoked_at IS NULL
                                     AND expires_at > :at) > 0 AS live
             FROM cardsvc.roll_code WHERE beneficiary_id = l.beneficiary_id) c
     WHERE l.school_id = :school AND l.left_on IS NULL AND l.class = :class
     ORDER BY family_name, b.given_name, b.id
""")


def last_roll(session: Session, school_id: UUID) -> Roll | None:
    """Return the last roll imported for a school, or None."""
    return session.scalar(
        select(Roll)
        .where(Roll.school_id == school_id)
        .order_by(Roll.imported_at.desc(), Roll.id.desc())
        .limit(1)
    )


def classes_of(session: Session, school_id: UUID, at: datetime) -> list[ClassCounts]:
    """Return a school's classes by name."""
    rows = session.execute(_CLASSES, {"school": school_id, "at": at})
    return [ClassCounts(row[0], row.pupils, row.bound, row.coded) for row in rows]


def pupils_of(session: Session, school_id: UUID, class_name: str, at: datetime) -> list[ClassPupil]:
    """Return a class's pupils by name; empty for a class that the school hasn't."""
    rows = session.execute(_PUPILS, {"school": school_id, "class": class_name, "at": at})
    return [
        ClassPupil(
            row.id, f"{readable(row.given_name)} {row.family_name.upper()}", _code_state(row)
        )
        for row in rows
    ]


def _code_state(row: object) -> str:
    if getattr(row, "used"):  # noqa: B009  a row's columns have no static names
        return BOUND
    if getattr(row, "live"):  # noqa: B009
        return CODE_GIVEN
    return CODE_EXPIRED if getattr(row, "known") else NO_CODE  # noqa: B009
