"""Granting to many at once: one statement opens the entitlements and takes from the envelopes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.reasons import AmountOutOfRange, InsufficientBalance
from ledger.transfers import INSUFFICIENT, MAX_AMOUNT, sqlstate

_POST_GRANTS = text(
    "SELECT ledger.post_grants(:accounts, :amounts, :share_plan, :correlation, :counts_at, :at)"
)


def post_grants(
    session: Session,
    accounts: Sequence[UUID],
    amounts: Sequence[int],
    *,
    share_plan_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> int:
    """Open one entitlement account for each of `accounts`, credited with the amount beside it.

    The money comes from the envelopes of the share plan, in its shares, exact to the cent. Returns
    the total in units of the asset (cents). Raises `InsufficientBalance` when an envelope holds less
    than its part, and then nothing is granted.
    """
    if any(not 0 < amount <= MAX_AMOUNT for amount in amounts):
        raise AmountOutOfRange()
    try:
        with session.begin_nested():
            total = session.scalar(
                _POST_GRANTS,
                {
                    "accounts": list(accounts),
                    "amounts": list(amounts),
                    "share_plan": share_plan_id,
                    "correlation": correlation_id,
                    "counts_at": counts_at,
                    "at": at,
                },
            )
    except DBAPIError as error:
        if sqlstate(error) == INSUFFICIENT:
            raise InsufficientBalance() from None
        raise
    return int(total or 0)
