"""Terminals, the changes of their state, and the codes that enrol them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

STATES = ("active", "suspended", "revoked")
KINDS = ("till", "reader")


class Terminal(Base):
    """A till or reader of a site. Never changed: a new key is a new terminal.

    public_key: the P-256 point (SEC 1, uncompressed). number: which of its site ("Caisse 2").
    """

    __tablename__ = "terminal"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint("octet_length(public_key) = 65", name="public_key"),
        CheckConstraint("number >= 1", name="number"),
        UniqueConstraint("site_id", "number"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    site_id: Mapped[UUID] = plain(ForeignKey("merchants.site.id"))
    number: Mapped[int] = plain()
    kind: Mapped[str] = plain()
    public_key: Mapped[bytes] = plain(unique=True)
    enrolled_at: Mapped[datetime] = plain()


class TerminalTransition(Base):
    """A change of a terminal's state, numbered from 1 (nothing → active)."""

    __tablename__ = "terminal_transition"
    __table_args__ = (
        CheckConstraint(f"to_state IN {STATES}", name="to_state"),
        {"schema": "merchants"},
    )

    terminal_id: Mapped[UUID] = plain(ForeignKey("merchants.terminal.id"), primary_key=True)
    number: Mapped[int] = plain(primary_key=True)
    from_state: Mapped[str | None] = plain()
    to_state: Mapped[str] = plain()
    reason: Mapped[str] = personal(purpose="managing terminals", retention="accounting")
    at: Mapped[datetime] = plain()


class TerminalAllowed(Base):
    """A transition that a terminal may make. Filled by the migration, read by the application."""

    __tablename__ = "terminal_allowed"
    __table_args__ = ({"schema": "merchants"},)

    from_state: Mapped[str] = plain(primary_key=True)
    to_state: Mapped[str] = plain(primary_key=True)


class TerminalCode(Base):
    """A one-time code that enrols one terminal of a site; only its keyed hash is kept."""

    __tablename__ = "terminal_code"
    __table_args__ = (
        CheckConstraint("(used_at IS NULL) = (terminal_id IS NULL)", name="used"),
        CheckConstraint("expires_at > created_at", name="expires"),
        Index("ix_terminal_code_site_id", "site_id"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    site_id: Mapped[UUID] = plain(ForeignKey("merchants.site.id"))
    code_hash: Mapped[bytes] = plain(unique=True)
    created_at: Mapped[datetime] = plain()
    expires_at: Mapped[datetime] = plain()
    used_at: Mapped[datetime | None] = plain()
    terminal_id: Mapped[UUID | None] = plain(ForeignKey("merchants.terminal.id"))
