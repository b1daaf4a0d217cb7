"""An entitlement's end and its return: expiry, withdrawal, and granting again what had expired.

What goes back to the envelopes, or comes from them again, is split in the shares frozen on the
entitlement, so that each funder has always contributed exactly its part of what is contributed.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from ledger.outcomes import check_amounts, refusals

_EXPIRE = text("SELECT ledger.expire(:accounts, :correlation, :counts_at, :at)")
_WITHDRAW = text("SELECT ledger.withdraw(:account, :amount, :correlation, :counts_at, :at)")
_REGRANT = text("SELECT ledger.regrant(:account, :amount, :correlation, :counts_at, :at)")


def expire(
    session: Session,
    accounts: Sequence[UUID],
    *,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> int:
    """Send back what is left of entitlements, of tickets and of their backing; return it in cents.

    What is held stays until its hold ends: expire again then. Running it again moves nothing more.
    Raises `UnknownAccount` (an account that is no entitlement), `PeriodClosed`.
    """
    with refusals(session):
        total = session.scalar(
            _EXPIRE,
            {
                "accounts": list(accounts),
                "correlation": correlation_id,
                "counts_at": counts_at,
                "at": at,
            },
        )
    return int(total or 0)


def withdraw(
    session: Session,
    account: UUID,
    amount: int,
    *,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> None:
    """Correct a grant: take back `amount` units (cents, or tickets with their backing) not spent yet.

    Raises `InsufficientBalance`, `UnknownAccount`, `PeriodClosed`, `AmountOutOfRange`.
    """
    _move(session, _WITHDRAW, account, amount, correlation_id, counts_at, at)


def regrant(
    session: Session,
    account: UUID,
    amount: int,
    *,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> None:
    """Give back `amount` units (cents, or tickets with their backing) of what had expired.

    From the envelopes that had received it. Raises `CorrectsTooMuch` above what expired,
    `NothingToCorrect` where nothing did, `InsufficientBalance` where an envelope has spent it,
    `UnknownAccount`, `PeriodClosed`, `AmountOutOfRange`.
    """
    _move(session, _REGRANT, account, amount, correlation_id, counts_at, at)


def _move(
    session: Session,
    statement: TextClause,
    account: UUID,
    amount: int,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> None:
    check_amounts(amount)
    with refusals(session):
        session.execute(
            statement,
            {
                "account": account,
                "amount": amount,
                "correlation": correlation_id,
                "counts_at": counts_at,
                "at": at,
            },
        )
