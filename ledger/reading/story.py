"""The whole story of a transfer's euros: from the funder to the bank's line, and back.

A grant mixes the euros of several fundings and of several funders, so no euro has a number. What is said
here is what the rows say: which envelopes contributed to the entitlement, by the shares frozen on it;
which part of this very sale each of them bears; which payment paid the sale; what came back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from ledger.model import Account, Share, Transfer
from ledger.reading.accounts import find_transfer
from ledger.reading.chains import corrected_by

MOST_SALES = 10
_PURSE_KINDS = ("entitlement", "backing")
_PARTS = text("SELECT envelope_id, amount FROM ledger.parts_between(:plan, :before, :after)")
_SPENT = text(
    "SELECT coalesce(sum(t.amount - coalesce(c.corrected, 0)), 0)::bigint FROM ledger.transfer t"
    "  LEFT JOIN ledger.corrected c ON c.transfer_id = t.id"
    " WHERE t.debit_account_id = :account AND t.kind = 'capture' AND t.id < :id"
)

PaymentOf = Callable[[UUID], UUID | None]
"""The correlation of the payment that paid a sale or a refund, as a room above knows it; None: none yet."""


@dataclass(frozen=True)
class Fund:
    """An envelope behind an entitlement. funded_cents: all it was ever given; fundings: the latest.

    part_cents: what it bears of the sale that the story is about; None where it isn't about one.
    """

    envelope_id: UUID
    funding_id: UUID | None
    funded_cents: int
    fundings: tuple[Transfer, ...]
    part_cents: int | None


@dataclass(frozen=True)
class Story:
    """What is known of one transfer's money. Steps that didn't happen are empty.

    purse: the entitlement (or the euros behind tickets) that it went through. grants: what funded it.
    sales: the transfer itself where it is a sale, else the latest sales of the purse, `more_sales`
    beyond them. back: what came back. orders: payments ordered to the bank; settled, returned: its answers.
    """

    transfer: Transfer
    purse: Account | None = None
    funds: tuple[Fund, ...] = ()
    grants: tuple[Transfer, ...] = ()
    sales: tuple[Transfer, ...] = ()
    more_sales: int = 0
    back: tuple[Transfer, ...] = ()
    payment_id: UUID | None = None
    orders: tuple[Transfer, ...] = ()
    settled: tuple[Transfer, ...] = ()
    returned: tuple[Transfer, ...] = ()
    accounts: dict[UUID, Account] = field(default_factory=dict)


def story(session: Session, transfer_id: UUID, *, payment_of: PaymentOf) -> Story:
    """Return the story of a transfer. Raises `TransferUnknown`."""
    transfer = find_transfer(session, transfer_id)
    accounts = _accounts(session, [transfer.debit_account_id, transfer.credit_account_id])
    purse = _purse(session, transfer, accounts)
    sale = _sale(session, transfer)
    grants: tuple[Transfer, ...] = ()
    sales: tuple[Transfer, ...] = ()
    back: tuple[Transfer, ...] = ()
    more = 0
    funds: tuple[Fund, ...] = ()
    if purse is not None:
        grants = _of(session, Transfer.credit_account_id == purse.id, ("grant", "regrant"))
        sales, more = ((sale,), 0) if sale is not None else _sales(session, purse.id)
        returned = _of(session, Transfer.debit_account_id == purse.id, _BACK_KINDS)
        given_back = tuple(corrected_by(session, sale)) if sale is not None else ()
        back = given_back + (returned if sale is None else ())
        funds = _funds(session, purse, sale)
    elif transfer.kind in ("fund", "correction"):
        envelope = transfer.credit_account_id
        if transfer.kind == "correction":
            envelope = transfer.debit_account_id
        else:
            back = tuple(corrected_by(session, transfer))
        funds = (_fund(session, envelope, None),)
    payment = _payment(transfer, sale, payment_of)
    orders: tuple[Transfer, ...] = ()
    settled: tuple[Transfer, ...] = ()
    returns: tuple[Transfer, ...] = ()
    if payment is not None:
        orders, settled, returns = _at_the_bank(session, payment, transfer, sale, accounts)
    shown = (*grants, *sales, *back, *orders, *settled, *returns)
    ids = [each for one in shown for each in (one.debit_account_id, one.credit_account_id)]
    return Story(
        transfer, purse, funds, grants, sales, more, back, payment, orders, settled, returns,
        accounts | _accounts(session, ids),
    )  # fmt: skip


_BACK_KINDS = ("expiry", "withdrawal", "release")


def _accounts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    rows = session.scalars(select(Account).where(Account.id.in_(set(ids))))
    return {account.id: account for account in rows}


def _purse(session: Session, transfer: Transfer, accounts: dict[UUID, Account]) -> Account | None:
    """Return the entitlement that the transfer's euros are or were in; of tickets, their backing."""
    for side in (transfer.debit_account_id, transfer.credit_account_id):
        account = accounts[side]
        if account.kind in _PURSE_KINDS:
            backing = session.scalar(select(Account).where(Account.backs_id == account.id))
            return backing or account
    if transfer.corrects_id is None:
        return None
    corrected = find_transfer(session, transfer.corrects_id)
    sides = (corrected.debit_account_id, corrected.credit_account_id)
    if transfer.kind not in ("refund", "cancellation"):
        return None
    return _purse(session, corrected, _accounts(session, sides))


def _sale(session: Session, transfer: Transfer) -> Transfer | None:
    if transfer.kind == "capture":
        return transfer
    if transfer.kind in ("refund", "cancellation") and transfer.corrects_id is not None:
        corrected = find_transfer(session, transfer.corrects_id)
        return corrected if corrected.kind == "capture" else None
    return None


def _of(session: Session, side: ColumnElement[bool], kinds: Sequence[str]) -> tuple[Transfer, ...]:
    query = select(Transfer).where(side, Transfer.kind.in_(kinds))
    return tuple(session.scalars(query.order_by(Transfer.id)))


def _sales(session: Session, purse: UUID) -> tuple[tuple[Transfer, ...], int]:
    of = (Transfer.debit_account_id == purse, Transfer.kind == "capture")
    count = session.scalar(select(func.count()).select_from(Transfer).where(*of)) or 0
    query = select(Transfer).where(*of).order_by(Transfer.id.desc()).limit(MOST_SALES)
    return tuple(session.scalars(query)), max(count - MOST_SALES, 0)


def _funds(session: Session, purse: Account, sale: Transfer | None) -> tuple[Fund, ...]:
    bearing = session.scalars(
        select(Share.envelope_id)
        .where(Share.share_plan_id == purse.share_plan_id)
        .order_by(Share.position)
    )
    parts: dict[UUID, int] = {}
    if sale is not None and sale.debit_account_id == purse.id:
        before = session.scalar(_SPENT, {"account": purse.id, "id": sale.id}) or 0
        values = {"plan": purse.share_plan_id, "before": before, "after": before + sale.amount}
        parts = {row.envelope_id: row.amount for row in session.execute(_PARTS, values)}
    return tuple(
        _fund(session, envelope, parts.get(envelope, 0) if parts else None) for envelope in bearing
    )


def _fund(session: Session, envelope_id: UUID, part: int | None) -> Fund:
    came_in = (Transfer.credit_account_id == envelope_id, Transfer.kind == "fund")
    fundings = session.scalars(
        select(Transfer).where(*came_in).order_by(Transfer.counts_at.desc()).limit(3)
    ).all()
    funding_id = fundings[0].debit_account_id if fundings else None
    taken_back = select(func.coalesce(func.sum(Transfer.amount), 0)).where(
        Transfer.credit_account_id == funding_id,
        Transfer.debit_account_id == envelope_id,
        Transfer.kind == "correction",
    )
    total = session.scalar(select(func.coalesce(func.sum(Transfer.amount), 0)).where(*came_in)) or 0
    net = int(total) - int(session.scalar(taken_back) or 0)
    return Fund(envelope_id, funding_id, net, tuple(fundings), part)


def _payment(transfer: Transfer, sale: Transfer | None, payment_of: PaymentOf) -> UUID | None:
    if transfer.kind in ("remit", "settle", "return"):
        return transfer.correlation_id
    return None if sale is None else payment_of(sale.id)


def _at_the_bank(
    session: Session,
    payment: UUID,
    transfer: Transfer,
    sale: Transfer | None,
    accounts: dict[UUID, Account],
) -> tuple[tuple[Transfer, ...], tuple[Transfer, ...], tuple[Transfer, ...]]:
    """Return the orders, settlements and returns of a payment: found through the accounts it went by."""
    if transfer.kind == "return" and transfer.corrects_id is not None:
        payment = find_transfer(session, transfer.corrects_id).correlation_id
    payable = sale.credit_account_id if sale is not None else None
    transits: set[UUID] = set()
    if payable is not None:
        orders = _correlated(session, Transfer.debit_account_id == payable, "remit", payment)
        transits = {each.credit_account_id for each in orders}
    else:
        moved = transfer
        while moved.corrects_id is not None:
            moved = find_transfer(session, moved.corrects_id)
        accounts |= _accounts(session, [moved.debit_account_id, moved.credit_account_id])
        for side in (moved.debit_account_id, moved.credit_account_id):
            if accounts[side].kind == "in_transit":
                transits.add(side)
        orders = _correlated(session, Transfer.credit_account_id.in_(transits), "remit", payment)
    settled = _correlated(session, Transfer.debit_account_id.in_(transits), "settle", payment)
    returned = [each for one in (*orders, *settled) for each in corrected_by(session, one)]
    return orders, settled, tuple(returned)


def _correlated(
    session: Session, side: ColumnElement[bool], kind: str, correlation: UUID
) -> tuple[Transfer, ...]:
    query = select(Transfer).where(
        side,
        Transfer.kind == kind,
        Transfer.correlation_id == correlation,
    )
    return tuple(session.scalars(query.order_by(Transfer.id)))
