"""The rows behind signed-in browsers, opened and ended in the caller's unit of work."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from sesame.platform.identity.model import IdentityRow, SessionRow
from sesame.platform.ids import uuid7

# A young person's phone stays signed in for a school year's half; staff for a working day.
LASTS = {"beneficiary": timedelta(days=180)}
LASTS_OTHERS = timedelta(hours=10)


def open_session(session: Session, identity_id: UUID, at: datetime) -> UUID:
    """Add a session of `identity_id` and return its id, which `carry_session` gives to a browser.

    Raises `NoResultFound` for an identity that doesn't exist.
    """
    identity = session.get_one(IdentityRow, identity_id)
    row = SessionRow(
        id=uuid7(at),
        identity_id=identity_id,
        created_at=at,
        ends_at=at + LASTS.get(identity.role, LASTS_OTHERS),
    )
    session.add(row)
    session.flush()
    return row.id


def end_sessions(session: Session, session_ids: Collection[UUID], at: datetime) -> None:
    """Sign these sessions' browsers out. One that has ended keeps the moment at which it did."""
    session.execute(
        update(SessionRow)
        .where(SessionRow.id.in_(session_ids), SessionRow.ended_at.is_(None))
        .values(ended_at=at)
    )


def end_every_session(session: Session, identity_id: UUID, at: datetime) -> None:
    """Sign `identity_id` out of every browser."""
    session.execute(
        update(SessionRow)
        .where(SessionRow.identity_id == identity_id, SessionRow.ended_at.is_(None))
        .values(ended_at=at)
    )
