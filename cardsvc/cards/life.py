"""The life of a card: which one a person has, what may happen to it. Every change leaves a row."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cardsvc.cards.model import LIVE_STATES, Card, CardMove, CardTransition
from cardsvc.cards.reasons import (
    CardBlocked,
    CardExpired,
    CardLost,
    CardMissing,
    CardMoveRefused,
)
from sesame.platform.ids import uuid7
from sesame.platform.problems import SesameError

NUMBER_DIGITS = 12
_ATTEMPTS = 20

_WHY_NOT: dict[str, type[SesameError]] = {
    "blocked": CardBlocked,
    "lost": CardLost,
    "expired": CardExpired,
}


def current_card(session: Session, beneficiary_id: UUID) -> Card | None:
    """Return the beneficiary's latest card, whatever its state, or None."""
    return session.scalar(
        select(Card)
        .where(Card.beneficiary_id == beneficiary_id)
        .order_by(Card.opened_at.desc(), Card.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def open_card(session: Session, beneficiary_id: UUID, at: datetime) -> UUID:
    """Return the id of the beneficiary's card; open one where they never had any.

    A lost or expired card stays theirs: only `replace_card` gives another.
    """
    card = current_card(session, beneficiary_id)
    if card is None:
        lock_holder(session, beneficiary_id)
        card = current_card(session, beneficiary_id)
    return card.id if card is not None else _add_card(session, beneficiary_id, at)


def replace_card(session: Session, beneficiary_id: UUID, at: datetime) -> UUID:
    """Open a new card in the place of one that is lost or expired, and return its id.

    The phones of the former one don't follow. Raises `CardMissing`, `CardMoveRefused` (the present
    card still lives).
    """
    lock_holder(session, beneficiary_id)
    card = current_card(session, beneficiary_id)
    if card is None:
        raise CardMissing()
    if card.state in LIVE_STATES:
        raise CardMoveRefused(from_state=card.state, to_state="active")
    return _add_card(session, beneficiary_id, at)


def block_card(
    session: Session, card_id: UUID, at: datetime, *, reason: str, by_id: UUID | None = None
) -> None:
    """Block a card until `unblock_card`. Raises `CardMissing`, `CardMoveRefused`."""
    move_card(session, card_id, "blocked", at, reason=reason, by_id=by_id)


def unblock_card(
    session: Session, card_id: UUID, at: datetime, *, reason: str, by_id: UUID | None = None
) -> None:
    """Let a blocked card pay again. Raises `CardMissing`, `CardMoveRefused`."""
    move_card(session, card_id, "active", at, reason=reason, by_id=by_id)


def declare_lost(
    session: Session, card_id: UUID, at: datetime, *, reason: str, by_id: UUID | None = None
) -> None:
    """End a card that its holder lost, for good. Raises `CardMissing`, `CardMoveRefused`."""
    move_card(session, card_id, "lost", at, reason=reason, by_id=by_id)


def move_card(
    session: Session,
    card_id: UUID,
    to_state: str,
    at: datetime,
    *,
    reason: str,
    by_id: UUID | None = None,
) -> None:
    """Take a card to `to_state` and keep the trace. reason: a snake_case word; by_id: who asked.

    Raises `CardMissing`, `CardMoveRefused`; the database refuses the same.
    """
    holder = session.scalar(select(Card.beneficiary_id).where(Card.id == card_id))
    if holder is None:
        raise CardMissing()
    lock_holder(session, holder)
    card = session.get_one(Card, card_id, populate_existing=True)
    if session.get(CardMove, (card.state, to_state)) is None:
        raise CardMoveRefused(from_state=card.state, to_state=to_state)
    session.add(
        CardTransition(
            id=uuid7(at),
            card_id=card_id,
            from_state=card.state,
            to_state=to_state,
            reason=reason,
            by_id=by_id,
            at=at,
        )
    )
    session.flush()
    session.refresh(card)


def check_active(card: Card) -> None:
    """Raise `CardBlocked`, `CardLost` or `CardExpired` for a card that can't pay."""
    if card.state != "active":
        raise _WHY_NOT[card.state]()


def lock_holder(session: Session, beneficiary_id: UUID) -> None:
    """Take the beneficiary's row, the first lock of whatever concerns their card."""
    session.execute(select(func.cardsvc.lock_beneficiary(beneficiary_id)))


def card_number() -> str:
    """Return a random number of 12 digits that ends in its Luhn check (ISO/IEC 7812-1, annex B)."""
    digits = f"{secrets.randbelow(10 ** (NUMBER_DIGITS - 1)):0{NUMBER_DIGITS - 1}d}"
    doubled = (
        int(digit) * (1 + place % 2) for place, digit in enumerate(digits, NUMBER_DIGITS - 1)
    )
    total = sum(number // 10 + number % 10 for number in doubled)
    return digits + str(-total % 10)


def _add_card(session: Session, beneficiary_id: UUID, at: datetime) -> UUID:
    for _ in range(_ATTEMPTS):
        # A number that somebody has already is drawn again; ten thousand million are free.
        opened: UUID | None = session.scalar(
            insert(Card)
            .values(
                id=uuid7(at),
                beneficiary_id=beneficiary_id,
                number=card_number(),
                state="active",
                opened_at=at,
            )
            .on_conflict_do_nothing(index_elements=[Card.number])
            .returning(Card.id)
        )
        if opened is not None:
            return opened
    raise RuntimeError(f"no free card number in {_ATTEMPTS} draws")
