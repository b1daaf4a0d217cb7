"""Granting in the background to people who have come onto a roll since, or waited for money."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from cardsvc.programmes.granting import grant_or_wait, open_versions
from sesame.platform.clock import day_in
from sesame.platform.jobs import enqueue_once, job
from sesame.platform.scheme import current_scheme


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
