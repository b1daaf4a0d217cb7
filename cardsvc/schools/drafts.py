"""A roll between its upload and its confirmation: kept in the database (any web process may serve
the next page), one a school, a day at most.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cardsvc.schools.model import RollDraft
from cardsvc.schools.reasons import RollDraftMissing
from sesame.platform.ids import uuid7

LASTS = timedelta(days=1)


def save_draft(session: Session, school_id: UUID, content: bytes, at: datetime) -> UUID:
    """Keep what a school has sent, in place of what it sent before; return the draft's id."""
    session.execute(
        delete(RollDraft).where(
            (RollDraft.school_id == school_id) | (RollDraft.uploaded_at <= at - LASTS)
        )
    )
    draft = RollDraft(id=uuid7(at), school_id=school_id, content=content, uploaded_at=at)
    session.add(draft)
    session.flush()
    return draft.id


def draft_content(session: Session, school_id: UUID, draft_id: UUID, at: datetime) -> bytes:
    """Return what was sent. Raises `RollDraftMissing` for another school's draft too."""
    content = session.scalar(
        select(RollDraft.content).where(
            RollDraft.id == draft_id,
            RollDraft.school_id == school_id,
            RollDraft.uploaded_at > at - LASTS,
        )
    )
    if content is None:
        raise RollDraftMissing()
    return content


def drop_draft(session: Session, draft_id: UUID) -> None:
    """Forget a draft (confirmed, or given up)."""
    session.execute(delete(RollDraft).where(RollDraft.id == draft_id))
