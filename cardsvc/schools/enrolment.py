"""From a code to an account: who binds a class-sheet code becomes the pupil's sign-in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cardsvc.people import display_name
from cardsvc.schools.codes import bind_by_code, bound_just_now
from cardsvc.schools.events import PupilRebound, announce_rebinding
from sesame.platform.identity import create_identity, end_every_session
from sesame.platform.identity.model import IdentityRow
from sesame.platform.settings import Settings


def enrol(
    session: Session, settings: Settings, code: str, at: datetime, browser: str | None = None
) -> UUID:
    """Bind `code` and return the id of the identity that may now sign in as its pupil.

    A pupil who had one already (a lost phone) keeps it, the browsers signed in before are signed
    out, and `after_rebinding` tells who must know. browser: a random value that only this browser
    has; for ten minutes it may repeat the code, which then changes nothing: the answer was lost.
    Raises what `bind_by_code` does.
    """
    again = bound_just_now(session, settings, code, at, browser)
    if again is not None:
        return session.scalars(_identity_of(again)).one()
    beneficiary_id = bind_by_code(session, settings, code, at, browser)
    identity_id = session.scalar(_identity_of(beneficiary_id))
    if identity_id is None:
        return create_identity(
            session,
            role="beneficiary",
            subject_id=beneficiary_id,
            display_name=display_name(session, beneficiary_id),
            at=at,
        )
    end_every_session(session, identity_id, at)
    announce_rebinding(session, PupilRebound(beneficiary_id, at))
    return identity_id


def _identity_of(beneficiary_id: UUID) -> Select[UUID]:
    return (
        select(IdentityRow.id)
        .where(IdentityRow.role == "beneficiary", IdentityRow.subject_id == beneficiary_id)
        .order_by(IdentityRow.id)
        .limit(1)
    )
