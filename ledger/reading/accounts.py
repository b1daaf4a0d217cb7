"""Accounts and their transfers, read by pages that go on from the last row seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import select, text, tuple_, union_all
from sqlalchemy.orm import Session

from ledger.model import ACCOUNT_KINDS, Account, Balance, Transfer
from ledger.reading.reasons import AccountUnknown, TransferUnknown

Row = TypeVar("Row")
_CHART = text(
    """
    WITH guarded AS (
        SELECT a.asset, a.kind, count(*) AS accounts, sum(b.balance)::bigint AS balance,
               sum(b.held)::bigint AS held
          FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id GROUP BY 1, 2
    ), other AS (
        SELECT a.asset, a.kind, count(*) AS accounts, sum(s.balance)::bigint AS balance, 0 AS held
          FROM ledger.balances_as_of(
               ARRAY(SELECT id FROM ledger.account WHERE NOT guarded), 'infinity', 'infinity') s
          JOIN ledger.account a ON a.id = s.account_id GROUP BY 1, 2
    )
    SELECT * FROM guarded UNION ALL SELECT * FROM other
    """
)


@dataclass(frozen=True)
class ChartLine:
    """All accounts of one kind and asset. balance: what they hold together, in units of the asset."""

    asset: str
    kind: str
    accounts: int
    balance: int
    held: int

    @property
    def debit(self) -> int:
        """What they hold below zero."""
        return max(-self.balance, 0)

    @property
    def credit(self) -> int:
        """What they hold above zero."""
        return max(self.balance, 0)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and after which one the next page begins (None: this is the last)."""

    rows: Sequence[Row]
    after: UUID | None


def chart(session: Session) -> list[ChartLine]:
    """Return the totals by kind and asset, in one snapshot.

    Guarded kinds by their kept balances, all others by their transfers since the last closing: that
    the two sides are equal is so a check of one by the other.
    """
    lines: dict[tuple[str, str], ChartLine] = {}
    for row in session.execute(_CHART):
        known = lines.get((row.asset, row.kind), ChartLine(row.asset, row.kind, 0, 0, 0))
        lines[row.asset, row.kind] = ChartLine(
            row.asset,
            row.kind,
            known.accounts + row.accounts,
            known.balance + row.balance,
            known.held + row.held,
        )
    return sorted(
        lines.values(),
        key=lambda line: (line.asset != "EUR", line.asset, ACCOUNT_KINDS.index(line.kind)),
    )


def find_account(session: Session, account_id: UUID) -> Account:
    """Return the account. Raises `AccountUnknown`."""
    found = session.get(Account, account_id)
    if found is None:
        raise AccountUnknown()
    return found


def list_accounts(
    session: Session, *, kind: str | None = None, after: UUID | None = None, limit: int
) -> Page[Account]:
    """Return accounts in the order in which they were opened, of one kind or of all."""
    query = select(Account).order_by(Account.id).limit(limit + 1)
    if kind is not None:
        query = query.where(Account.kind == kind)
    if after is not None:
        query = query.where(Account.id > after)
    rows = session.scalars(query).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def kept_balance(session: Session, account_id: UUID) -> Balance | None:
    """Return the running balance of a guarded account, with what is held; None for the others."""
    return session.get(Balance, account_id)


def find_transfer(session: Session, transfer_id: UUID) -> Transfer:
    """Return the transfer. Raises `TransferUnknown`."""
    found = session.get(Transfer, transfer_id)
    if found is None:
        raise TransferUnknown()
    return found


def transfers_of(
    session: Session,
    account_id: UUID,
    *,
    after: UUID | None = None,
    limit: int,
    since: datetime | None = None,
    before: datetime | None = None,
    known_before: datetime | None = None,
) -> Page[Transfer]:
    """Return an account's transfers, the latest to count first.

    after: the last transfer of the page before. since, before: only what counts then.
    known_before: only what was recorded by then. Raises `TransferUnknown` when `after` isn't one.
    """
    last = None if after is None else find_transfer(session, after)
    sides = []
    for side in (Transfer.debit_account_id, Transfer.credit_account_id):
        query = select(Transfer.id, Transfer.counts_at).where(side == account_id)
        if since is not None:
            query = query.where(Transfer.counts_at >= since)
        if before is not None:
            query = query.where(Transfer.counts_at < before)
        if known_before is not None:
            query = query.where(Transfer.recorded_at < known_before)
        if last is not None:
            query = query.where(tuple_(Transfer.counts_at, Transfer.id) < (last.counts_at, last.id))
        newest = query.order_by(Transfer.counts_at.desc(), Transfer.id.desc()).limit(limit + 1)
        sides.append(select(newest.subquery()))
    both = union_all(*sides).subquery()
    chosen = select(both.c.id).order_by(both.c.counts_at.desc(), both.c.id.desc()).limit(limit + 1)
    rows = session.scalars(
        select(Transfer)
        .where(Transfer.id.in_(session.scalars(chosen).all()))
        .order_by(Transfer.counts_at.desc(), Transfer.id.desc())
    ).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
