"""Tickets counted in units ("2 cinema tickets"), and the euros that back them.

A ticket and its backing only ever move together: a funder never owes more than it set aside.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.outcomes import MAX_AMOUNT, check_amounts, refusals
from ledger.reasons import AmountOutOfRange

_CAPTURE = text(
    "SELECT ledger.capture_tickets(:tickets, :count, :payable, :price_cents, :correlation,"
    " :counts_at, :at, :happened_at)"
)
_REFUND = text(
    "SELECT ledger.refund_tickets(:captured, :count, :price_cents, :kind, :correlation, :to_funders,"
    " :counts_at, :at, :happened_at)"
)


def capture_tickets(
    session: Session,
    tickets: UUID,
    count: int,
    *,
    payable: UUID,
    price_cents: int,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    happened_at: datetime | None = None,
) -> list[UUID]:
    """Use `count` tickets of the account `tickets` at a price that their face value covers.

    The price goes to `payable`, what the tickets didn't cost back to the envelopes. Returns the ids of
    the transfers (`refund_tickets` wants them). Raises `PriceAboveFaceValue`, `InsufficientBalance`,
    `UnknownAccount`, `PeriodClosed`, `AmountOutOfRange`.
    """
    check_amounts(count)
    _check_price(price_cents)
    with refusals(session):
        ids = session.scalar(
            _CAPTURE,
            {
                "tickets": tickets,
                "count": count,
                "payable": payable,
                "price_cents": price_cents,
                "correlation": correlation_id,
                "counts_at": counts_at,
                "at": at,
                "happened_at": happened_at,
            },
        )
    return list(ids or [])


def refund_tickets(
    session: Session,
    captured: Sequence[UUID],
    count: int,
    *,
    price_cents: int,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    cancellation: bool = False,
    to_funders: bool = False,
    happened_at: datetime | None = None,
) -> list[UUID]:
    """Give back `count` of the tickets of a capture; `captured` are its transfers' ids.

    price_cents: what the merchant gives back of their price. The tickets can be used again, backed by
    their whole face value; where the season is over (`to_funders`) they can't, and the price goes to
    the envelopes. Returns the new transfers' ids. Raises `CorrectsTooMuch` above what was captured,
    `NothingToCorrect`, `PriceAboveFaceValue`, `PeriodClosed`, `AmountOutOfRange`.
    """
    check_amounts(count)
    _check_price(price_cents)
    with refusals(session):
        ids = session.scalar(
            _REFUND,
            {
                "captured": list(captured),
                "count": count,
                "price_cents": price_cents,
                "kind": "cancellation" if cancellation else "refund",
                "correlation": correlation_id,
                "to_funders": to_funders,
                "counts_at": counts_at,
                "at": at,
                "happened_at": happened_at,
            },
        )
    return list(ids or [])


def _check_price(price_cents: int) -> None:
    if not 0 <= price_cents <= MAX_AMOUNT:
        raise AmountOutOfRange()
