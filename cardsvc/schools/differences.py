"""What a roll would change, against what is known now."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from cardsvc.people import short_name
from cardsvc.schools.roll import Pupil

NEW, CHANGED, ARRIVED, LEFT, UNCHANGED = "new", "changed", "arrived", "left", "unchanged"


@dataclass(frozen=True)
class Change:
    """One pupil's change, for the secretary's screen: `new`, `changed`, `arrived` (from another
    school, or back) or `left`; the class before and after.
    """

    kind: str
    pupil: str = field(repr=False)
    class_before: str
    class_after: str


@dataclass(frozen=True)
class Known:
    """A beneficiary that a roll names, and their open line."""

    id: UUID
    named: tuple[str, str | None, str]
    birth_date: object
    line: tuple[UUID, int, str, str, str, str] | None


@dataclass
class Differences:
    """Pupils by what happens to them. left: the beneficiaries whom this school no longer names."""

    new: list[Pupil] = field(default_factory=list)
    changed: list[tuple[Pupil, UUID]] = field(default_factory=list)
    renamed: list[tuple[Pupil, UUID]] = field(default_factory=list)
    of_another: list[Pupil] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)
    unchanged: int = 0
    shown: list[Change] = field(default_factory=list)


_KNOWN = """
    SELECT b.id, b.ine, b.family_name, b.usual_name, b.given_name, b.birth_date,
           l.school_id, l.school_year, l.class, l.grade, l.mef, l.status
      FROM cardsvc.beneficiary b
      LEFT JOIN cardsvc.roll_line l ON l.beneficiary_id = b.id AND l.left_on IS NULL
     WHERE b.ine = ANY (CAST(:ines AS text[]))
"""
_PRESENT = """
    SELECT b.id, b.ine, b.given_name, coalesce(b.usual_name, b.family_name) AS family_name, l.class
      FROM cardsvc.roll_line l JOIN cardsvc.beneficiary b ON b.id = l.beneficiary_id
     WHERE l.school_id = :school AND l.left_on IS NULL
     ORDER BY l.class, b.family_name, b.given_name
"""


def differences(
    session: Session, school_id: UUID, school_year: int, pupils: tuple[Pupil, ...]
) -> Differences:
    """Return what changes for the school when its pupils are these. Two statements, writes nothing."""
    ines = [pupil.ine for pupil in pupils]
    known: dict[str, Known] = {}
    for row in session.execute(text(_KNOWN), {"ines": ines}):
        line = None if row.school_id is None else tuple(row[6:12])
        known[row.ine] = Known(row.id, tuple(row[2:5]), row.birth_date, line)
    found = Differences()
    for pupil in pupils:
        person = known.get(pupil.ine)
        if person is None:
            found.new.append(pupil)
            found.shown.append(_shown(NEW, pupil, ""))
        else:
            _compare(found, pupil, person, (school_id, school_year))
    named = set(ines)
    for row in session.execute(text(_PRESENT), {"school": school_id}):
        if row.ine not in named:
            found.left.append(row.id)
            name = short_name(row.given_name, row.family_name)
            found.shown.append(Change(LEFT, name, getattr(row, "class"), ""))
    return found


def _compare(found: Differences, pupil: Pupil, person: Known, place: tuple[UUID, int]) -> None:
    here_before = person.line is not None and person.line[0] == place[0]
    if person.birth_date != pupil.birth_date and not here_before:
        # A mistyped INE must not hand one pupil's card to another: only the school that has them
        # may correct a birth date.
        found.of_another.append(pupil)
        return
    renamed = person.birth_date != pupil.birth_date or person.named != (
        pupil.family_name,
        pupil.usual_name,
        pupil.given_name,
    )
    line = (*place, pupil.class_name, pupil.grade, pupil.mef, pupil.status)
    moved = person.line != line
    if renamed:
        found.renamed.append((pupil, person.id))
    if moved:
        found.changed.append((pupil, person.id))
    if not moved and not renamed:
        found.unchanged += 1
        return
    before = person.line[2] if person.line else ""
    found.shown.append(_shown(CHANGED if here_before else ARRIVED, pupil, before))


def _shown(kind: str, pupil: Pupil, before: str) -> Change:
    name = short_name(pupil.given_name, pupil.usual_name or pupil.family_name)
    return Change(kind, name, before, pupil.class_name)
