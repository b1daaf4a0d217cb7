"""Dated facts: recording what a source says of many people at once, and reading what holds."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from cardsvc.people.model import Beneficiary, Fact
from sesame.platform.clock import day_in
from sesame.platform.scheme import current_scheme


@dataclass(frozen=True)
class StatedFact:
    """What a source says of someone now. `value` is text: a code, a date in ISO form."""

    beneficiary_id: UUID
    name: str
    value: str


@dataclass(frozen=True)
class FactChanges:
    """How many facts ended and how many began."""

    ended: int
    begun: int


@dataclass(frozen=True)
class KnownFact:
    """A fact that holds: its value, who said so, since when, and until when if that is known."""

    name: str
    value: str
    source: str
    valid_from: date
    valid_until: date | None


# A fact of the same kind of source (`roll:…`) ends when that kind now says something else, or says
# the same through somebody else: two schools never answer for one pupil at a time.
_END_REPLACED = text("""
    WITH stated AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:vals AS text[]))
            AS s (beneficiary_id, name, value)
    )
    UPDATE cardsvc.fact f SET valid_until = greatest(f.valid_from, CAST(:on_day AS date))
     WHERE f.valid_until IS NULL
       AND f.beneficiary_id = ANY (CAST(:ids AS uuid[]))
       AND split_part(f.source, ':', 1) = split_part(:source, ':', 1)
       AND f.name IN (SELECT DISTINCT name FROM stated)
       AND EXISTS (SELECT 1 FROM stated s
                    WHERE s.beneficiary_id = f.beneficiary_id AND s.name = f.name)
       AND (f.source <> :source OR NOT EXISTS (
            SELECT 1 FROM stated s WHERE s.beneficiary_id = f.beneficiary_id
               AND s.name = f.name AND s.value = f.value))
""")

_BEGIN = text("""
    INSERT INTO cardsvc.fact
           (id, beneficiary_id, name, value, source, valid_from, recorded_at)
    SELECT platform.uuid7(CAST(:at AS timestamptz)), s.beneficiary_id, s.name, s.value, :source,
           CAST(:on_day AS date), CAST(:at AS timestamptz)
      FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:vals AS text[]))
           AS s (beneficiary_id, name, value)
    ON CONFLICT (beneficiary_id, name, value) WHERE valid_until IS NULL DO NOTHING
""")

_END = text("""
    UPDATE cardsvc.fact SET valid_until = greatest(valid_from, CAST(:on_day AS date))
     WHERE valid_until IS NULL AND source = :source
       AND beneficiary_id = ANY (CAST(:ids AS uuid[]))
""")


def record_facts(
    session: Session, stated: Collection[StatedFact], *, source: str, on: date, at: datetime
) -> FactChanges:
    """Record what `source` (`kind:who`) says from the day `on`; two statements for any number.

    For each person and name in `stated`, the values given there are all that this kind of source
    says now: another open value ends on `on` (a fact is never overwritten), a new one begins, one
    that holds already is left alone. Names that `stated` doesn't mention are left alone.
    """
    if not stated:
        return FactChanges(0, 0)
    arguments = {
        "ids": [fact.beneficiary_id for fact in stated],
        "names": [fact.name for fact in stated],
        "vals": [fact.value for fact in stated],
        "source": source,
        "on_day": on,
        "at": at,
    }
    ended = session.execute(_END_REPLACED, arguments)
    begun = session.execute(_BEGIN, arguments)
    return FactChanges(_count(ended), _count(begun))


def end_facts(session: Session, beneficiary_ids: Collection[UUID], *, source: str, on: date) -> int:
    """End on `on` every open fact that `source` said of these people; return how many ended."""
    if not beneficiary_ids:
        return 0
    arguments = {"ids": list(beneficiary_ids), "source": source, "on_day": on}
    return _count(session.execute(_END, arguments))


def facts_at(session: Session, beneficiary_id: UUID, at: datetime) -> dict[str, list[KnownFact]]:
    """Return what holds of someone on the day of `at` (in the scheme's zone), by the fact's name.

    The birth date is among them as `birth_date`. Someone unknown has no facts: {}.
    """
    on = day_in(current_scheme(session).zone, at)
    found: dict[str, list[KnownFact]] = defaultdict(list)
    person = session.get(Beneficiary, beneficiary_id)
    if person is None:
        return {}
    born = person.birth_date
    found["birth_date"] = [KnownFact("birth_date", born.isoformat(), "people", born, None)]
    wanted = (
        select(Fact)
        .where(
            Fact.beneficiary_id == beneficiary_id,
            Fact.valid_from <= on,
            or_(Fact.valid_until.is_(None), Fact.valid_until > on),
        )
        .order_by(Fact.name, Fact.valid_from, Fact.id)
    )
    for row in session.scalars(wanted):
        found[row.name].append(
            KnownFact(row.name, row.value, row.source, row.valid_from, row.valid_until)
        )
    return dict(found)


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
