"""Importing a school's roll: first a preview of every fault and difference, then all or nothing.

The statements are as many for 20 pupils as for 2,000. The last roll that names a pupil says where
they are: a school that lists someone takes over from the one that did.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cardsvc.people import StatedFact, end_facts, record_facts, short_name
from cardsvc.schools import differences as changes
from cardsvc.schools.differences import Change, Differences, differences
from cardsvc.schools.events import RollImported, announce
from cardsvc.schools.model import Roll as RollRow
from cardsvc.schools.model import School
from cardsvc.schools.reasons import (
    RollEmpty,
    RollLinesRejected,
    RollOutdated,
    RollSchoolUnknown,
    RollYearWrong,
)
from cardsvc.schools.roll import LineNote, Pupil, RejectedLine, Roll, SkippedLine
from cardsvc.schools.roll_file import read_roll
from cardsvc.schools.uai import is_uai
from sesame.platform.clock import day_in
from sesame.platform.ids import uuid7
from sesame.platform.scheme import current_scheme

RENTREE_MONTH = 9


@dataclass(frozen=True)
class RollPreview:
    """What a file holds and would change. changes: how many pupils are `new`, `changed`, `arrived`,
    `left`, `unchanged`; differences: the same by pupil, for the screen.

    already_imported: the school's last roll says the very same.
    """

    school: School
    school_year: int
    accepted: tuple[Pupil, ...]
    skipped: tuple[SkippedLine, ...]
    rejected: tuple[RejectedLine, ...]
    changes: dict[str, int]
    differences: tuple[Change, ...]
    already_imported: bool
    roll: Roll


@dataclass(frozen=True)
class RollReport:
    """What an import did: as `RollPreview.changes`. roll_id: None when there was nothing to do."""

    roll_id: UUID | None
    school_id: UUID
    school_year: int
    changes: dict[str, int]
    skipped: int


def preview_roll(
    session: Session, source: bytes | Path, *, uai: str | None = None, at: datetime
) -> RollPreview:
    """Read a roll and say what importing it would do; writes nothing.

    source: a file, or its bytes, zipped or not. uai: the school it should be of (required for
    FREGATA). Raises a `RollRefused` for a file that can't be taken at all.
    """
    today = day_in(current_scheme(session).zone, at)
    if uai is not None and not is_uai(uai):
        raise RollSchoolUnknown(uai=uai[:8])
    return _judge(session, read_roll(source, uai=uai, on=today), today)[0]


def import_roll(
    session: Session, preview: RollPreview, *, at: datetime, imported_by: UUID | None = None
) -> RollReport:
    """Write what `preview` read, all or nothing; the same file twice changes nothing.

    The differences are worked out again under the school's lock. imported_by: the identity of who
    confirmed it. Raises `RollLinesRejected` when a line is wrong, `RollEmpty`, `RollOutdated`.
    """
    today = day_in(current_scheme(session).zone, at)
    roll, school = preview.roll, preview.school
    if preview.rejected:
        raise RollLinesRejected(count=len({note.line_number for note in preview.rejected}))
    if not roll.pupils:
        raise RollEmpty()
    session.execute(select(School.id).where(School.id == school.id).with_for_update())
    session.execute(
        _LOCK_PEOPLE, {"school": school.id, "ines": [pupil.ine for pupil in roll.pupils]}
    )
    fresh, found = _judge(session, roll, today)
    if fresh.rejected:
        raise RollLinesRejected(count=len({note.line_number for note in fresh.rejected}))
    if fresh.already_imported:
        return RollReport(None, school.id, fresh.school_year, fresh.changes, len(roll.skipped))
    row = _record_roll(session, fresh, at, imported_by)
    # The day on which the school said it; a file exported "tomorrow" counts from today.
    on = min(roll.exported_on or today, today)
    _write(session, fresh, found, row.id, on, at)
    announce(session, RollImported(row.id, school.id, at))
    return RollReport(row.id, school.id, fresh.school_year, fresh.changes, len(roll.skipped))


def _judge(session: Session, roll: Roll, today: date) -> tuple[RollPreview, Differences]:
    school = session.scalar(select(School).where(School.uai == roll.uai))
    if school is None:
        raise RollSchoolUnknown(uai=roll.uai)
    year = _school_year(roll, today)
    last = session.scalar(
        select(RollRow)
        .where(RollRow.school_id == school.id)
        .order_by(RollRow.imported_at.desc(), RollRow.id.desc())
        .limit(1)
    )
    already = last is not None and (last.file_hash, last.school_year) == (roll.file_hash, year)
    if last is not None and not already:
        _refuse_outdated(roll, year, last)
    counts: Counter[str] = Counter()
    rejected = roll.rejected
    found = Differences()
    if already:
        counts[changes.UNCHANGED] = len(roll.pupils)
    else:
        found = differences(session, school.id, year, roll.pupils)
        rejected += tuple(
            LineNote(pupil.line_number, "INE", "ine_of_another", _name(pupil))
            for pupil in found.of_another
        )
        counts.update(change.kind for change in found.shown)
        counts[changes.UNCHANGED] = found.unchanged
    kinds = (changes.NEW, changes.CHANGED, changes.ARRIVED, changes.LEFT, changes.UNCHANGED)
    preview = RollPreview(
        school=school,
        school_year=year,
        accepted=roll.pupils,
        skipped=roll.skipped,
        rejected=tuple(sorted(rejected, key=lambda note: note.line_number)),
        changes={kind: counts[kind] for kind in kinds},
        differences=tuple(found.shown),
        already_imported=already,
        roll=roll,
    )
    return preview, found


def _name(pupil: Pupil) -> str:
    return short_name(pupil.given_name, pupil.usual_name or pupil.family_name)


def _school_year(roll: Roll, today: date) -> int:
    """Return the year of the rentrée. Raises `RollYearWrong`: a roll serves from the July before its
    rentrée to the end of the August after.
    """
    running = today.year if today.month >= RENTREE_MONTH else today.year - 1
    if roll.school_year is None:
        return running
    coming = today.year if today.month >= RENTREE_MONTH - 2 else running
    if roll.school_year not in (running, coming):
        raise RollYearWrong(year=roll.school_year, next_year=roll.school_year + 1)
    return roll.school_year


def _refuse_outdated(roll: Roll, year: int, last: RollRow) -> None:
    older_export = (
        roll.exported_on is not None
        and last.exported_on is not None
        and roll.exported_on < last.exported_on
    )
    if year < last.school_year or (year == last.school_year and older_export):
        raise RollOutdated()


def _record_roll(
    session: Session, preview: RollPreview, at: datetime, imported_by: UUID | None
) -> RollRow:
    row = RollRow(
        id=uuid7(at),
        school_id=preview.school.id,
        school_year=preview.school_year,
        format=preview.roll.format,
        file_hash=preview.roll.file_hash,
        exported_on=preview.roll.exported_on,
        imported_at=at,
        imported_by=imported_by,
        new_pupils=preview.changes[changes.NEW],
        changed_pupils=preview.changes[changes.CHANGED] + preview.changes[changes.ARRIVED],
        left_pupils=preview.changes[changes.LEFT],
        unchanged_pupils=preview.changes[changes.UNCHANGED],
        skipped_pupils=len(preview.skipped),
    )
    session.add(row)
    session.flush()
    return row


# Whoever the file names or the school has listed, in one order for all importers: the beneficiary's
# row is the first lock of all (docs/architecture.md).
_LOCK_PEOPLE = text("""
    SELECT b.id FROM cardsvc.beneficiary b
     WHERE b.ine = ANY (CAST(:ines AS text[]))
        OR b.id IN (SELECT l.beneficiary_id FROM cardsvc.roll_line l
                     WHERE l.school_id = :school AND l.left_on IS NULL)
     ORDER BY b.id FOR NO KEY UPDATE
""")

# Another school's roll may be creating the same person right now: then its row is taken.
_CREATE = text("""
    INSERT INTO cardsvc.beneficiary
           (id, ine, family_name, usual_name, given_name, birth_date, created_at)
    SELECT platform.uuid7(CAST(:at AS timestamptz)), p.*, CAST(:at AS timestamptz)
      FROM unnest(CAST(:ines AS text[]), CAST(:family AS text[]), CAST(:usual AS text[]),
                  CAST(:given AS text[]), CAST(:born AS date[]))
           AS p (ine, family_name, usual_name, given_name, birth_date)
     ORDER BY p.ine
    ON CONFLICT (ine) DO UPDATE SET ine = excluded.ine
    RETURNING id, ine
""")

_RENAME = text("""
    UPDATE cardsvc.beneficiary b
       SET family_name = p.family_name, usual_name = p.usual_name, given_name = p.given_name,
           birth_date = p.birth_date
      FROM unnest(CAST(:ids AS uuid[]), CAST(:family AS text[]), CAST(:usual AS text[]),
                  CAST(:given AS text[]), CAST(:born AS date[]))
           AS p (id, family_name, usual_name, given_name, birth_date)
     WHERE b.id = p.id
""")

_CLOSE_LINES = text("""
    UPDATE cardsvc.roll_line SET left_on = CAST(:on_day AS date), roll_id = :roll
     WHERE left_on IS NULL
       AND beneficiary_id = ANY (CAST(:ids AS uuid[]))
       AND (beneficiary_id = ANY (CAST(:left AS uuid[]))
            OR school_id <> :school OR school_year <> :year)
""")

_WRITE_LINES = text("""
    INSERT INTO cardsvc.roll_line
           (id, school_id, school_year, beneficiary_id, class, grade, mef, status, roll_id)
    SELECT platform.uuid7(CAST(:at AS timestamptz)), :school, :year, p.*, :roll
      FROM unnest(CAST(:ids AS uuid[]), CAST(:classes AS text[]), CAST(:grades AS text[]),
                  CAST(:mefs AS text[]), CAST(:statuses AS text[]))
           AS p (beneficiary_id, class, grade, mef, status)
    ON CONFLICT (school_id, school_year, beneficiary_id) DO UPDATE
       SET class = excluded.class, grade = excluded.grade, mef = excluded.mef,
           status = excluded.status, roll_id = excluded.roll_id, left_on = NULL
""")

# A code printed by a school that no longer has the pupil serves nobody.
_REVOKE_CODES = text("""
    UPDATE cardsvc.roll_code c SET revoked_at = :at
     WHERE c.used_at IS NULL AND c.revoked_at IS NULL
       AND c.beneficiary_id = ANY (CAST(:ids AS uuid[]))
       AND NOT EXISTS (SELECT 1 FROM cardsvc.roll_line l
                        WHERE l.beneficiary_id = c.beneficiary_id AND l.school_id = c.school_id
                          AND l.left_on IS NULL)
""")


def _write(
    session: Session,
    preview: RollPreview,
    found: Differences,
    roll_id: UUID,
    on: date,
    at: datetime,
) -> None:
    school = preview.school
    source = f"roll:{school.uai}"
    if found.new:
        created = session.execute(
            _CREATE, {"at": at, "ines": [p.ine for p in found.new], **_names(found.new)}
        )
        ids = {row.ine: row.id for row in created}
        found.changed += [(pupil, ids[pupil.ine]) for pupil in found.new]
    if found.renamed:
        names = _names([pupil for pupil, _id in found.renamed])
        session.execute(_RENAME, {"ids": [each for _pupil, each in found.renamed], **names})
    present = [beneficiary_id for _pupil, beneficiary_id in found.changed]
    place = {"school": school.id, "year": preview.school_year, "roll": roll_id}
    touched = {"ids": [*present, *found.left], "left": found.left}
    session.execute(_CLOSE_LINES, {**place, **touched, "on_day": on})
    pupils = [pupil for pupil, _id in found.changed]
    session.execute(
        _WRITE_LINES,
        {
            **place,
            "at": at,
            "ids": present,
            "classes": [pupil.class_name for pupil in pupils],
            "grades": [pupil.grade for pupil in pupils],
            "mefs": [pupil.mef for pupil in pupils],
            "statuses": [pupil.status for pupil in pupils],
        },
    )
    session.execute(_REVOKE_CODES, {"ids": touched["ids"], "at": at})
    record_facts(
        session,
        [fact for entry in found.changed for fact in _facts(*entry, school, preview.school_year)],
        source=source,
        on=on,
        at=at,
    )
    end_facts(session, found.left, source=source, on=on)


def _names(pupils: list[Pupil]) -> dict[str, Any]:
    return {
        "family": [pupil.family_name for pupil in pupils],
        "usual": [pupil.usual_name for pupil in pupils],
        "given": [pupil.given_name for pupil in pupils],
        "born": [pupil.birth_date for pupil in pupils],
    }


def _facts(
    pupil: Pupil, beneficiary_id: UUID, school: School, school_year: int
) -> tuple[StatedFact, ...]:
    stated = {
        "status": pupil.status,
        "mef": pupil.mef,
        "grade": pupil.grade,
        "school": school.uai,
        "department": school.department,
        "class": pupil.class_name,
        "school_year": str(school_year),
    }
    return tuple(StatedFact(beneficiary_id, name, value) for name, value in stated.items())
