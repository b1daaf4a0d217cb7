"""What accounts held at a moment, on either clock."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_AS_OF = text(
    "SELECT account_id, balance FROM ledger.balances_as_of("
    " CAST(:accounts AS uuid[]), coalesce(CAST(:counted_before AS timestamptz), 'infinity'),"
    " coalesce(CAST(:recorded_before AS timestamptz), 'infinity'))"
)


def balances_as_of(
    session: Session,
    account_ids: Sequence[UUID],
    *,
    counted_before: datetime | None = None,
    recorded_before: datetime | None = None,
) -> dict[UUID, int]:
    """Return each account's balance in units of its asset, from what counts before the one moment and
    was recorded before the other (aware, UTC; None for no limit).

    Starts at the latest closing that lies before both, so that it reads days and not years.
    """
    found = session.execute(
        _AS_OF,
        {
            "accounts": list(account_ids),
            "counted_before": counted_before,
            "recorded_before": recorded_before,
        },
    )
    return {account: int(balance) for account, balance in found}
