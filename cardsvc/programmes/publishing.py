"""Publishing a programme: a version for ever, then the grants, in one transaction."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cardsvc.programmes.envelopes import envelopes_of, programme_id
from cardsvc.programmes.granting import LineGrant, grant_version, lock_programme
from cardsvc.programmes.model import Envelope, ProgrammePublication, ProgrammeVersion
from cardsvc.programmes.reasons import EnvelopeRegimeDiffers
from cardsvc.programmes.rules import Programme
from cardsvc.programmes.spending_plan import compile_plan
from ledger.accounts import create_share_plan
from sesame.platform.clock import day_in
from sesame.platform.ids import uuid7
from sesame.platform.scheme import current_scheme


@dataclass(frozen=True)
class Publication:
    """What publishing did. unchanged: this very document was the season's rule already."""

    version_id: UUID
    number: int
    unchanged: bool
    grants: tuple[LineGrant, ...]


def publish(
    session: Session, programme: Programme, *, by: UUID | None, at: datetime
) -> Publication:
    """Make `programme` the rule of its season, and grant to all who are eligible.

    The same document again makes no new version, and grants to whoever has become eligible, or waited
    for money, since. A changed one becomes the next version and grants only
    to those who have nothing for a line and season; what was granted stays. by: the identity that
    publishes, None for the server's command line. Raises `FunderUnknown`, `EnvelopeMissing`,
    `EnvelopeInsufficient`, `EnvelopeRegimeDiffers` or `SeasonOver`: then nothing has changed (the
    caller rolls back).
    """
    row_id = programme_id(session, programme.slug, at)
    lock_programme(session, row_id)
    hashed = _document_hash(programme)
    latest = session.scalar(
        select(ProgrammeVersion)
        .where(
            ProgrammeVersion.programme_id == row_id,
            ProgrammeVersion.season == programme.season.name,
        )
        .order_by(ProgrammeVersion.number.desc())
        .limit(1)
    )
    if latest is not None and latest.content_hash == hashed:
        over = programme.season.last < day_in(current_scheme(session).zone, at)
        granted = () if over else grant_version(session, latest, programme, at=at)
        return Publication(latest.id, latest.number, unchanged=True, grants=granted)
    envelopes = envelopes_of(session, programme)
    _settle_regime(session, programme, envelopes)
    version = _append_version(session, programme, row_id, envelopes, hashed, at)
    session.add(
        ProgrammePublication(programme_version_id=version.id, published_at=at, published_by=by)
    )
    session.flush()
    grants = grant_version(session, version, programme, at=at)
    return Publication(version.id, version.number, unchanged=False, grants=grants)


def _document_hash(programme: Programme) -> bytes:
    """Return the hash of what the file says; its comments, layout and order of fields don't count."""
    canonical = json.dumps(
        programme.document, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).digest()


def _settle_regime(session: Session, programme: Programme, envelopes: dict[str, Envelope]) -> None:
    for funder, envelope in envelopes.items():
        if envelope.regime is not None and envelope.regime != programme.regime:
            raise EnvelopeRegimeDiffers(funder=funder, regime=envelope.regime)
        envelope.regime = programme.regime
        if funder == programme.paying_body:
            envelope.paying = True
    session.flush()


def _append_version(
    session: Session,
    programme: Programme,
    row_id: UUID,
    envelopes: dict[str, Envelope],
    hashed: bytes,
    at: datetime,
) -> ProgrammeVersion:
    last = session.scalar(
        select(func.max(ProgrammeVersion.number)).where(ProgrammeVersion.programme_id == row_id)
    )
    shares = [(envelopes[each.funder].account_id, each.weight) for each in programme.funders]
    version = ProgrammeVersion(
        id=uuid7(at),
        programme_id=row_id,
        number=(last or 0) + 1,
        season=programme.season.name,
        document=dict(programme.document),
        source=programme.source,
        content_hash=hashed,
        plan=compile_plan(programme),
        share_plan_id=create_share_plan(session, shares, at=at),
        paying_envelope_id=envelopes[programme.paying_body].id,
        created_at=at,
    )
    session.add(version)
    session.flush()
    return version
