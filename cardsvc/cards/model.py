"""Cards and their life, the issuer's keys, the phones that hold a card, the tokens they show."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

CARD_STATES = ("active", "blocked", "lost", "expired")
LIVE_STATES = ("active", "blocked")
"""A person has at most one card in one of these; the others are final."""
MAX_PHONES = 3

_CARD: dict[str, Any] = {"purpose": "holding the card", "retention": "account"}
_PROOF: dict[str, Any] = {"purpose": "proving the card at a till", "retention": "card proofs"}


class Card(Base):
    """One card of one beneficiary. number: 12 digits, the last one a Luhn check (ISO/IEC 7812-1);
    screens show its last four. The state is changed by inserting a `CardTransition`, and only so.
    """

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint(f"state IN {CARD_STATES}", name="state"),
        CheckConstraint("number ~ '^[0-9]{12}$'", name="number"),
        Index(
            "uq_card_live",
            "beneficiary_id",
            unique=True,
            postgresql_where=f"state IN {LIVE_STATES}",
        ),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = personal(primary_key=True, **_CARD)
    beneficiary_id: Mapped[UUID] = personal(
        ForeignKey("cardsvc.beneficiary.id"), index=True, **_CARD
    )
    number: Mapped[str] = personal(unique=True, **_CARD)
    state: Mapped[str] = personal(**_CARD)
    opened_at: Mapped[datetime] = personal(**_CARD)


class CardMove(Base):
    """One change of state that the life of a card allows; what isn't here is refused."""

    __tablename__ = "card_move"
    __table_args__ = ({"schema": "cardsvc"},)

    from_state: Mapped[str] = plain(primary_key=True)
    to_state: Mapped[str] = plain(primary_key=True)


class CardTransition(Base):
    """What happened to a card: append-only. Inserting a row moves the card, by trigger.

    reason: why, in a snake_case word (`holder_asked`, `lost_by_holder`). by_id: the identity that
    asked, or nothing for a rule of the house.
    """

    __tablename__ = "card_transition"
    __table_args__ = (
        CheckConstraint("reason ~ '^[a-z][a-z_]{1,39}$'", name="reason"),
        ForeignKeyConstraint(
            ["from_state", "to_state"],
            ["cardsvc.card_move.from_state", "cardsvc.card_move.to_state"],
        ),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    card_id: Mapped[UUID] = personal(ForeignKey("cardsvc.card.id"), index=True, **_CARD)
    from_state: Mapped[str] = personal(**_CARD)
    to_state: Mapped[str] = personal(**_CARD)
    reason: Mapped[str] = personal(**_CARD)
    by_id: Mapped[UUID | None] = personal(**_CARD)
    at: Mapped[datetime] = personal(**_CARD)


class IssuerKeyRow(Base):
    """A signing key of the scheme, its public half; the private one is a file among the keys.

    state: `active` signs (one at a time), `retired` signs no more but what it signed is accepted,
    `withdrawn` is accepted no more.
    """

    __tablename__ = "issuer_key"
    __table_args__ = (
        CheckConstraint("key_id ~ '^[0-9a-f]{16}$'", name="key_id"),
        CheckConstraint("state IN ('active', 'retired', 'withdrawn')", name="state"),
        Index("uq_issuer_key_active", "issuer", unique=True, postgresql_where="state = 'active'"),
        {"schema": "cardsvc"},
    )

    key_id: Mapped[str] = plain(primary_key=True)
    issuer: Mapped[str] = plain()
    public_jwk: Mapped[dict[str, Any]] = plain()
    state: Mapped[str] = plain()
    created_at: Mapped[datetime] = plain()


class PhoneKey(Base):
    """A phone that shows the card: the public half of a key that never leaves it.

    thumbprint: RFC 7638, so that a key belongs to one card for ever. slot: 1 to 3, its place among
    the card's phones; two of them can't share one while they are active. session_id: the signed-in
    session that put the card there, an opaque id; it ends when another phone takes the card off.
    """

    __tablename__ = "phone_key"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'revoked')", name="state"),
        CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked"),
        CheckConstraint(f"slot BETWEEN 1 AND {MAX_PHONES}", name="slot"),
        CheckConstraint("octet_length(thumbprint) = 32", name="thumbprint"),
        UniqueConstraint("id", "card_id"),
        Index(
            "uq_phone_key_slot",
            "card_id",
            "slot",
            unique=True,
            postgresql_where="state = 'active'",
        ),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = personal(primary_key=True, **_PROOF)
    card_id: Mapped[UUID] = personal(ForeignKey("cardsvc.card.id"), index=True, **_PROOF)
    slot: Mapped[int] = plain()
    public_jwk: Mapped[dict[str, Any]] = personal(**_PROOF)
    thumbprint: Mapped[bytes] = personal(unique=True, **_PROOF)
    state: Mapped[str] = plain()
    session_id: Mapped[UUID | None] = personal(**_PROOF)
    enrolled_at: Mapped[datetime] = personal(**_PROOF)
    revoked_at: Mapped[datetime | None] = personal(**_PROOF)


class Token(Base):
    """One token that a phone was given: which card stands behind its random id. Append-only.

    status_index: its place in the status list; shuffled, so it doesn't tell who came before whom.
    """

    __tablename__ = "token"
    __table_args__ = (
        CheckConstraint("octet_length(token_id) = 16", name="token_id"),
        CheckConstraint("status_index BETWEEN 0 AND 4294967295", name="status_index"),
        CheckConstraint("expires_at > issued_at", name="expires"),
        ForeignKeyConstraint(
            ["phone_key_id", "card_id"], ["cardsvc.phone_key.id", "cardsvc.phone_key.card_id"]
        ),
        {"schema": "cardsvc"},
    )

    token_id: Mapped[bytes] = personal(primary_key=True, **_PROOF)
    card_id: Mapped[UUID] = personal(**_PROOF)
    phone_key_id: Mapped[UUID] = personal(index=True, **_PROOF)
    status_index: Mapped[int] = personal(unique=True, **_PROOF)
    issuer_key_id: Mapped[str] = plain(ForeignKey("cardsvc.issuer_key.key_id"))
    issued_at: Mapped[datetime] = personal(**_PROOF)
    expires_at: Mapped[datetime] = personal(**_PROOF)
