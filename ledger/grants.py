"""Granting to many at once: one statement opens the entitlements and takes from the envelopes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.outcomes import check_amounts, refusals

_POST_GRANTS = text(
    "SELECT ledger.post_grants(:accounts, :amounts, :share_plan, :correlation, :counts_at, :at)"
)
_POST_TICKET_GRANTS = text(
    "SELECT ledger.post_ticket_grants(:tickets, :backings, :counts, :asset, :unit_cents,"
    " :share_plan, :correlation, :counts_at, :at)"
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
    than its part, `PeriodClosed`, `AmountOutOfRange`, and then nothing is granted.
    """
    check_amounts(*amounts)
    with refusals(session):
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
    return int(total or 0)


def post_ticket_grants(
    session: Session,
    tickets: Sequence[UUID],
    backings: Sequence[UUID],
    counts: Sequence[int],
    *,
    asset: str,
    unit_cents: int,
    share_plan_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> int:
    """Open one account of tickets for each of `tickets`, and the backing account beside it.

    counts: tickets for each, above zero. unit_cents: the face value of one, which the envelopes of the
    share plan set aside now; 0 for a benefit in kind, and then no backing is opened. Returns the cents
    set aside. Raises as `post_grants`.
    """
    check_amounts(*counts)
    if unit_cents:
        check_amounts(*(count * unit_cents for count in counts))
    with refusals(session):
        total = session.scalar(
            _POST_TICKET_GRANTS,
            {
                "tickets": list(tickets),
                "backings": list(backings),
                "counts": list(counts),
                "asset": asset,
                "unit_cents": unit_cents,
                "share_plan": share_plan_id,
                "correlation": correlation_id,
                "counts_at": counts_at,
                "at": at,
            },
        )
    return int(total or 0)
