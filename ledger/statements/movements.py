"""The transfers of accounts, and what they sum to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from ledger.model import Balance, Transfer
from ledger.statements.as_of import balances_as_of


def balances(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return each account's present balance in units of its asset: the kept one, or the sum of its
    transfers where none is kept.
    """
    wanted = list(account_ids)
    kept = select(Balance.account_id, Balance.balance).where(Balance.account_id.in_(wanted))
    found: dict[UUID, int] = {account: balance for account, balance in session.execute(kept)}
    unguarded = [account for account in wanted if account not in found]
    return found | (balances_as_of(session, unguarded) if unguarded else {})


def available(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what each guarded account may still give: less what is held, down to its floor."""
    left = select(Balance.account_id, Balance.balance - Balance.held - Balance.floor)
    rows = session.execute(left.where(Balance.account_id.in_(list(account_ids))))
    return {account: units for account, units in rows}


def spendable(session: Session, account_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, int]:
    """Return what can be spent of entitlements at a moment: less what is held and hasn't lapsed."""
    found = session.scalar(
        text("SELECT ledger.balance_of(CAST(:accounts AS uuid[]), :at)"),
        {"accounts": list(account_ids), "at": at},
    )
    return {UUID(account): int(units) for account, units in (found or {}).items()}


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
