"""Whom a command acts for: whoever runs it names the person of the Region who decides."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.reimbursements.reasons import ActorUnknown
from sesame.platform.identity.model import IdentityRow

PREPARES = ("officer",)
APPROVES = ("accountant",)
READS = ("officer", "accountant")


def acting(session: Session, login: str, roles: tuple[str, ...]) -> UUID:
    """Return the identity of the active person with that login and one of `roles`.

    Raises `ActorUnknown`.
    """
    identity_id = session.scalar(
        select(IdentityRow.id).where(
            IdentityRow.login == login, IdentityRow.active.is_(True), IdentityRow.role.in_(roles)
        )
    )
    if identity_id is None:
        raise ActorUnknown(roles=", ".join(roles))
    return identity_id
