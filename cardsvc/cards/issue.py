"""Putting a card on a phone, and giving that phone the tokens that it shows."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cardsvc.cards.issuer import signing_key
from cardsvc.cards.life import check_active, current_card, lock_holder, open_card
from cardsvc.cards.model import MAX_PHONES, Card, PhoneKey, Token
from cardsvc.cards.reasons import (
    PhoneKeyMalformed,
    PhoneKeyPrivate,
    PhoneKeyRevoked,
    PhoneKeyTaken,
    PhoneKeyWrongCurve,
    PhoneLimitReached,
    PhoneUnknown,
)
from cardsvc.cards.status_index import status_index
from cardsvc.credential.keys import public_key_from_jwk, public_key_to_jwk, thumbprint
from cardsvc.credential.refusals import KeyRefused
from cardsvc.credential.token import issue_token as sign_token
from sesame.platform.identity import end_sessions
from sesame.platform.ids import uuid7
from sesame.platform.keys import secret_bytes
from sesame.platform.problems import SesameError
from sesame.platform.settings import Settings

TOKEN_LIFETIME = timedelta(days=7)
"""How long a phone may stay without network and still pay."""

TOKEN_NUMBER = DatabaseSequence("token_number", schema="cardsvc")

_KEY_REFUSALS: dict[str, type[SesameError]] = {
    "key_malformed": PhoneKeyMalformed,
    "key_wrong_curve": PhoneKeyWrongCurve,
    "key_is_private": PhoneKeyPrivate,
}


def enrol_phone(
    session: Session,
    beneficiary_id: UUID,
    public_jwk: Mapping[str, Any],
    at: datetime,
    session_id: UUID | None = None,
) -> UUID:
    """Put the beneficiary's card on the phone that holds this key, and return the phone key's id.

    Opens their card where they have none. The same key again gives the same id. session_id: the
    signed-in session that asks. Raises `PhoneKeyMalformed`, `PhoneKeyWrongCurve`, `PhoneKeyPrivate`, `PhoneKeyTaken`,
    `PhoneKeyRevoked`, `PhoneLimitReached`, `CardBlocked`, `CardLost`, `CardExpired`.
    """
    try:
        public_key = public_key_from_jwk(public_jwk)
    except KeyRefused as refused:
        raise _KEY_REFUSALS[refused.code]() from None
    lock_holder(session, beneficiary_id)
    card = session.get_one(Card, open_card(session, beneficiary_id, at))
    check_active(card)
    print_of_key = thumbprint(public_key)
    known = session.scalar(select(PhoneKey).where(PhoneKey.thumbprint == print_of_key))
    if known is None:
        # Another holder may be bringing this key right now: who comes second waits, and sees theirs.
        added: UUID | None = session.scalar(
            insert(PhoneKey)
            .values(
                id=uuid7(at),
                card_id=card.id,
                slot=_free_slot(session, card.id),
                public_jwk=public_key_to_jwk(public_key),
                thumbprint=print_of_key,
                state="active",
                session_id=session_id,
                enrolled_at=at,
            )
            .on_conflict_do_nothing(index_elements=[PhoneKey.thumbprint])
            .returning(PhoneKey.id)
        )
        if added is not None:
            return added
        known = session.scalars(select(PhoneKey).where(PhoneKey.thumbprint == print_of_key)).one()
    if known.card_id != card.id:
        raise PhoneKeyTaken()
    if known.state == "revoked":
        raise PhoneKeyRevoked()
    if session_id is not None:
        known.session_id = session_id
        session.flush()
    return known.id


def issue_token(session: Session, settings: Settings, phone_key_id: UUID, at: datetime) -> bytes:
    """Give a phone a fresh token, valid until `token_expiry(at)`; returns its bytes (a signed CWT).

    Random id and status index are new each time. Raises `PhoneUnknown`, `PhoneKeyRevoked`,
    `CardBlocked`, `CardLost`, `CardExpired`, `IssuerKeyMissing`.
    """
    phone = session.get(PhoneKey, phone_key_id)
    if phone is None:
        raise PhoneUnknown()
    if phone.state == "revoked":
        raise PhoneKeyRevoked()
    check_active(session.get_one(Card, phone.card_id, populate_existing=True))
    issuer_key = signing_key(settings, session)
    issued_at = at.replace(microsecond=0)
    number = session.scalar(TOKEN_NUMBER.next_value())
    if number is None:
        raise RuntimeError("the sequence of tokens gave no number")
    row = Token(
        token_id=secrets.token_bytes(16),
        card_id=phone.card_id,
        phone_key_id=phone.id,
        status_index=status_index(secret_bytes(settings, "status-index"), number),
        issuer_key_id=issuer_key.key_id.hex(),
        issued_at=issued_at,
        expires_at=token_expiry(at),
    )
    session.add(row)
    session.flush()
    return sign_token(
        issuer_key,
        token_id=row.token_id,
        holder_public_key=public_key_from_jwk(phone.public_jwk),
        status_index=row.status_index,
        issued_at=issued_at,
        expires_at=row.expires_at,
    )


def token_expiry(at: datetime) -> datetime:
    """Return when a token issued at `at` expires, to the second."""
    return at.replace(microsecond=0) + TOKEN_LIFETIME


def phones_of(session: Session, beneficiary_id: UUID) -> Sequence[PhoneKey]:
    """Return the phones that hold the beneficiary's present card now, the oldest first."""
    card = current_card(session, beneficiary_id)
    if card is None:
        return []
    return session.scalars(
        select(PhoneKey)
        .where(PhoneKey.card_id == card.id, PhoneKey.state == "active")
        .order_by(PhoneKey.enrolled_at, PhoneKey.id)
    ).all()


def removed_phones_of(session: Session, beneficiary_id: UUID) -> Sequence[UUID]:
    """Return the ids of the phone keys that the beneficiary's cards, present and former, were taken
    off.
    """
    return session.scalars(
        select(PhoneKey.id)
        .join(Card, Card.id == PhoneKey.card_id)
        .where(Card.beneficiary_id == beneficiary_id, PhoneKey.state == "revoked")
        .order_by(PhoneKey.id)
    ).all()


def phone_of(session: Session, beneficiary_id: UUID, phone_key_id: UUID) -> PhoneKey:
    """Return that phone if it holds, or held, this beneficiary's present card.

    Raises `PhoneUnknown`: a phone of somebody else, or of a card that was replaced.
    """
    card = current_card(session, beneficiary_id)
    phone = session.get(PhoneKey, phone_key_id)
    if card is None or phone is None or phone.card_id != card.id:
        raise PhoneUnknown()
    return phone


def revoke_phone(
    session: Session,
    beneficiary_id: UUID,
    phone_key_id: UUID,
    at: datetime,
    by_session: UUID | None = None,
) -> None:
    """Take the card off a phone, for good: its codes pay nothing more. Harmless to repeat.

    The phone is signed out as well, so that whoever holds it can't put the card back, unless it is
    itself what asks: by_session, the signed-in session of the request. Raises `PhoneUnknown`.
    """
    lock_holder(session, beneficiary_id)
    phone = phone_of(session, beneficiary_id, phone_key_id)
    if phone.state == "active":
        phone.state = "revoked"
        phone.revoked_at = at
        session.flush()
    if phone.session_id is not None and phone.session_id != by_session:
        end_sessions(session, [phone.session_id], at)


def revoke_every_phone(session: Session, beneficiary_id: UUID, at: datetime) -> None:
    """Take the beneficiary's cards, present and former, off every phone, for good."""
    lock_holder(session, beneficiary_id)
    cards = select(Card.id).where(Card.beneficiary_id == beneficiary_id)
    session.execute(
        update(PhoneKey)
        .where(PhoneKey.card_id.in_(cards), PhoneKey.state == "active")
        .values(state="revoked", revoked_at=at)
        .execution_options(synchronize_session="fetch")
    )


def _free_slot(session: Session, card_id: UUID) -> int:
    taken = set(
        session.scalars(
            select(PhoneKey.slot).where(PhoneKey.card_id == card_id, PhoneKey.state == "active")
        )
    )
    for slot in range(1, MAX_PHONES + 1):
        if slot not in taken:
            return slot
    raise PhoneLimitReached(limit=MAX_PHONES)
