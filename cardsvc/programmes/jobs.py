"""In the background: granting to people who came onto a roll since, or waited for money; and the end of a
season, when what is left of its entitlements goes back to the funders.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.granting import grant_or_wait, open_versions
from cardsvc.programmes.model import Entitlement
from ledger.entitlements import expire
from sesame.platform.clock import day_in
from sesame.platform.ids import uuid7
from sesame.platform.jobs import enqueue_once, job
from sesame.platform.scheme import current_scheme

CHUNK = 2_000
LOOKED_BACK = timedelta(days=400)
"""An amount held across the end of its season is free some days later; a year later nothing is held."""
EVERY = timedelta(hours=12)


def grant_after_roll(session: Session, at: datetime) -> None:
    """Have everyone who is newly eligible granted, once the roll's import has committed."""
    enqueue_once(session, "programmes.grant_new", at=at)


def grant_after_funding(session: Session, at: datetime) -> None:
    """Have everyone who waited for money granted, once the envelope's funding has committed."""
    enqueue_once(session, "programmes.grant_new", at=at)


@job("programmes.grant_new")
def grant_new(session: Session, at: datetime) -> None:
    """Enqueue one job for each running version: a programme without money doesn't stop the others."""
    today = day_in(current_scheme(session).zone, at)
    for version_id in open_versions(session, today):
        enqueue_once(session, "programmes.grant_under", at=at, version_id=str(version_id))


@job("programmes.grant_under")
def grant_under_version(session: Session, at: datetime, version_id: str) -> None:
    """Grant under one version to those who have nothing yet. Idempotent."""
    grant_or_wait(session, UUID(version_id), at=at)


@job("programmes.expire", every=EVERY)
def expire_seasons(session: Session, at: datetime) -> None:
    """Send back what is left of every entitlement whose season is over. Idempotent."""
    expire_next(session, at, str(UUID(int=0)))


@job("programmes.expire_next")
def expire_next(session: Session, at: datetime, after: str) -> None:
    """The same for the next ones by id; then asks for those after them. Idempotent."""
    ended = session.execute(
        select(Entitlement.id, Entitlement.account_id)
        .where(
            Entitlement.id > UUID(after),
            Entitlement.valid_until <= at,
            Entitlement.valid_until > at - LOOKED_BACK,
        )
        .order_by(Entitlement.id)
        .limit(CHUNK)
    ).all()
    if not ended:
        return
    accounts = [account_id for _id, account_id in ended]
    expire(session, accounts, correlation_id=uuid7(at), counts_at=at, at=at)
    if len(ended) == CHUNK:
        enqueue_once(session, "programmes.expire_next", at=at, after=str(ended[-1][0]))
