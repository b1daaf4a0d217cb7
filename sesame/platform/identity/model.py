"""The tables of those who sign in, of their browsers' sessions, and of failed attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database.columns import Base, personal, plain

ROLES = ("beneficiary", "school", "merchant", "officer", "accountant", "auditor")
_SIGN_IN = {"purpose": "sign-in", "retention": "account"}


class IdentityRow(Base):
    """One person who signs in, with one role. subject_id: what they act for (their own file, a
    school, a merchant); an opaque id of a room above.
    """

    __tablename__ = "identity"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES}", name="role"),
        CheckConstraint("(login IS NULL) = (password_hash IS NULL)", name="login_with_password"),
        {"schema": "platform"},
    )

    id: Mapped[UUID] = personal(primary_key=True, **_SIGN_IN)
    role: Mapped[str] = plain()
    subject_id: Mapped[UUID | None] = personal(index=True, **_SIGN_IN)
    login: Mapped[str | None] = personal(unique=True, **_SIGN_IN)
    password_hash: Mapped[str | None] = personal(**_SIGN_IN)
    display_name: Mapped[str] = personal(**_SIGN_IN)
    active: Mapped[bool] = plain(default=True)
    created_at: Mapped[datetime] = plain()


class SessionRow(Base):
    """One browser that is signed in; ending it here ends it everywhere."""

    __tablename__ = "session"
    __table_args__ = {"schema": "platform"}

    id: Mapped[UUID] = personal(primary_key=True, purpose="sign-in", retention="session")
    identity_id: Mapped[UUID] = personal(
        ForeignKey("platform.identity.id"), index=True, purpose="sign-in", retention="session"
    )
    created_at: Mapped[datetime] = plain()
    ends_at: Mapped[datetime] = plain()
    ended_at: Mapped[datetime | None] = plain()


class FailedAttempt(Base):
    """A wrong password or code, kept to slow guessing down. subject: a keyed hash of what was tried
    against (a login, a network address), never the thing itself.
    """

    __tablename__ = "failed_attempt"
    __table_args__ = (
        Index("ix_failed_attempt_subject_at", "subject", "at"),
        Index("ix_failed_attempt_at", "at"),
        {"schema": "platform"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    subject: Mapped[bytes] = personal(purpose="guessing limits", retention="one day")
    at: Mapped[datetime] = plain()
