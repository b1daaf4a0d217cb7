"""What grants would take from each funder's envelope, held against what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.model import Envelope, Funder, ProgrammeRow
from cardsvc.programmes.reasons import FunderUnknown
from cardsvc.programmes.rules import Programme
from ledger.shares import parts
from ledger.statements import available


@dataclass(frozen=True)
class EnvelopeNeed:
    """What a funder's envelope would give, and what it may (None: there is no envelope yet)."""

    funder: str
    needed_cents: int
    available_cents: int | None


def envelope_needs(
    session: Session, programme: Programme, grants: Mapping[str, int]
) -> tuple[EnvelopeNeed, ...]:
    """Return what each funder would bear for so many grants of each line, and what it has.

    Raises `FunderUnknown`; a missing envelope has `available_cents` None.
    """
    needs = []
    weights = [each.weight for each in programme.funders]
    for index, share in enumerate(programme.funders):
        funder_id = session.scalar(select(Funder.id).where(Funder.code == share.funder))
        if funder_id is None:
            raise FunderUnknown(funder=share.funder)
        needed = sum(
            grants.get(line.id, 0) * parts(line.amount_cents, weights)[index]
            for line in programme.lines
        )
        envelope = find_envelope(session, funder_id, programme.slug)
        held = None
        if envelope is not None:
            held = available(session, [envelope.account_id])[envelope.account_id]
        needs.append(EnvelopeNeed(share.funder, needed, held))
    return tuple(needs)


def find_envelope(session: Session, funder_id: UUID, slug: str) -> Envelope | None:
    """Return the funder's envelope for the programme of that slug, if there is one."""
    query = (
        select(Envelope)
        .join(ProgrammeRow, ProgrammeRow.id == Envelope.programme_id)
        .where(Envelope.funder_id == funder_id, ProgrammeRow.slug == slug)
    )
    return session.scalar(query)
