"""Reading the ledger: balances and the movements of an account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, union_all
from sqlalchemy.orm import Session

from ledger.model import Transfer


def balances(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return each account's balance in units of its asset, guarded or not: the sum of its transfers."""
    wanted = list(account_ids)
    credited = select(Transfer.credit_account_id.label("account"), Transfer.amount.label("delta"))
    debited = select(Transfer.debit_account_id.label("account"), (-Transfer.amount).label("delta"))
    legs = union_all(
        credited.where(Transfer.credit_account_id.in_(wanted)),
        debited.where(Transfer.debit_account_id.in_(wanted)),
    ).subquery()
    totals = select(legs.c.account, func.sum(legs.c.delta)).group_by(legs.c.account)
    found = {account: int(total) for account, total in session.execute(totals)}
    return {account: found.get(account, 0) for account in wanted}


def movements(
    session: Session, account_ids: Sequence[UUID], *, before: datetime | None = None
) -> list[Transfer]:
    """Return the transfers of these accounts in the order of their ids.

    before: only those that count before this moment (UTC).
    """
    wanted = list(account_ids)
    query = select(Transfer).where(
        or_(Transfer.debit_account_id.in_(wanted), Transfer.credit_account_id.in_(wanted))
    )
    if before is not None:
        query = query.where(Transfer.counts_at < before)
    return list(session.scalars(query.order_by(Transfer.id)))
