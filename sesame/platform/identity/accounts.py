"""Making an identity, and signing in with a password (staff, partners)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from sesame.platform.identity.model import IdentityRow
from sesame.platform.ids import uuid7
from sesame.platform.problems import Reason, SesameError, declare

_HASHER = PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """Checked when nobody has that login, so that the answer takes as long as for somebody."""
    return _HASHER.hash("nobody's password")


class SignInRefused(SesameError):
    """No such login, or not that password; the answer doesn't say which."""

    reason = declare(
        Reason(
            "sign_in_refused",
            401,
            "Identifiant ou mot de passe incorrect. Vérifiez et recommencez.",
        )
    )


class LoginTaken(SesameError):
    """Somebody has that login already."""

    reason = declare(Reason("login_taken", 409, "Cet identifiant est déjà utilisé."))


def create_identity(
    session: Session,
    *,
    role: str,
    display_name: str,
    at: datetime,
    subject_id: UUID | None = None,
    login: str | None = None,
    password: str | None = None,
) -> UUID:
    """Add someone who may sign in and return their id. Raises `LoginTaken`.

    Without login and password (a beneficiary), the room that binds them starts their session.
    """
    if login is not None and session.scalar(select(IdentityRow).where(IdentityRow.login == login)):
        raise LoginTaken()
    row = IdentityRow(
        id=uuid7(at),
        role=role,
        subject_id=subject_id,
        login=login,
        password_hash=_HASHER.hash(password) if password is not None else None,
        display_name=display_name,
        active=True,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def sign_in_with_password(session: Session, login: str, password: str) -> UUID:
    """Return the id of the identity that `login` and `password` name. Raises `SignInRefused`."""
    row = session.scalar(
        select(IdentityRow).where(IdentityRow.login == login, IdentityRow.active.is_(True))
    )
    stored = row.password_hash if row and row.password_hash else _nobodys_hash()
    try:
        _HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        raise SignInRefused() from None
    if row is None:
        raise SignInRefused()
    return row.id


@dataclass(frozen=True)
class Account:
    """Someone who may sign in with a login."""

    login: str
    name: str
    role: str


def list_identities(session: Session, roles: Collection[str]) -> list[Account]:
    """Return those with a login and one of `roles`, by login; who may no longer sign in is left out."""
    rows = session.scalars(
        select(IdentityRow)
        .where(
            IdentityRow.role.in_(roles),
            IdentityRow.login.is_not(None),
            IdentityRow.active.is_(True),
        )
        .order_by(IdentityRow.login)
    )
    return [Account(row.login or "", row.display_name, row.role) for row in rows]
