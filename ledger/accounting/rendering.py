"""Rendering the accounts of a mandate (reddition des comptes).

CGCT, art. L1611-7: the agreement provides for accounts and their documents at least once a year.
CGCT, art. D1611-25 (to which D1611-22 sends): the accounts trace all expenses and receipts by nature,
without netting, and all cash operations by nature, and hold besides: 1° the trial balance; 2° what each
balance is made of, certified by the mandatary; 3° the cash position of the period; 4° the unpaid claims;
5° the supporting documents, for expenses those of the list of D1617-19 (annexe I).

The figures come from the ledger alone; `rendering_archive` files them, in the article's order.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.accounting.mandate import (
    BANK,
    AccountBalance,
    Entry,
    Mandate,
    account_balances,
    journal,
)
from ledger.accounting.reasons import AccountsDontReconcile
from ledger.statements.words import RELEASE_TAKEN_BACK

_BANK_KINDS = frozenset({"fund", "correction", "settle", "return"})
EXPENSES = frozenset({"capture", "refund", "cancellation"})


@dataclass(frozen=True)
class Balance:
    """One line of the trial balance: all accounts of a kind together (`BANK` for the bank). Cents."""

    kind: str
    opening_debit: int
    opening_credit: int
    debited: int
    credited: int
    closing_debit: int
    closing_credit: int


@dataclass(frozen=True)
class Nature:
    """All operations of one kind in the period: how many, and how much (cents), never netted."""

    kind: str
    count: int
    amount_cents: int


@dataclass(frozen=True)
class Cash:
    """The dedicated bank account over the period: held, came in by nature, went out by nature, holds."""

    opening_cents: int
    receipts: tuple[Nature, ...]
    payments: tuple[Nature, ...]

    @property
    def received_cents(self) -> int:
        """All that came in."""
        return sum(each.amount_cents for each in self.receipts)

    @property
    def paid_cents(self) -> int:
        """All that went out."""
        return sum(each.amount_cents for each in self.payments)

    @property
    def closing_cents(self) -> int:
        """What it holds in the end."""
        return self.opening_cents + self.received_cents - self.paid_cents


@dataclass(frozen=True)
class Claim:
    """Money that somebody owes the mandate: a payee who refunded more than it sold since, or a funder
    whose envelope was spent before it was paid in.
    """

    account_id: UUID
    kind: str
    cents: int


@dataclass(frozen=True)
class Rendering:
    """A mandate's accounts. balances: every account (2°); claims: 4°."""

    of: Mandate
    trial_balance: tuple[Balance, ...]
    balances: tuple[AccountBalance, ...]
    operations: tuple[Nature, ...]
    cash: Cash
    claims: tuple[Claim, ...]

    @property
    def spent_cents(self) -> int:
        """What beneficiaries spent, less what shops gave back."""
        return sum(
            each.amount_cents if each.kind == "capture" else -each.amount_cents
            for each in self.operations
            if each.kind in EXPENSES
        )


def rendering(session: Session, of: Mandate) -> Rendering:
    """Return the accounts of a mandate over its period. Read it in one snapshot (REPEATABLE READ).

    Raises `AccountsDontReconcile` when the bank doesn't hold what the accounts say it must, or when
    money went where it can't.
    """
    balances = account_balances(session, of)
    natures: defaultdict[str, list[int]] = defaultdict(list)
    receipts: defaultdict[str, list[int]] = defaultdict(list)
    payments: defaultdict[str, list[int]] = defaultdict(list)
    strayed = False
    for entry in journal(session, of):
        _add(natures, _nature(entry), entry.amount_cents)
        strayed |= BANK in (entry.debit_kind, entry.credit_kind) and entry.kind not in _BANK_KINDS
        if entry.debit_kind == BANK:
            _add(receipts, entry.kind, entry.amount_cents)
        if entry.credit_kind == BANK:
            _add(payments, entry.kind, entry.amount_cents)
    cash = Cash(
        sum(each.opening_cents for each in balances), _natures(receipts), _natures(payments)
    )
    if strayed or cash.closing_cents != sum(each.closing_cents for each in balances):
        raise AccountsDontReconcile()
    return Rendering(
        of,
        _trial_balance(balances, cash),
        tuple(balances),
        _natures(natures),
        cash,
        tuple(
            Claim(each.account_id, each.kind, -each.closing_cents)
            for each in balances
            if each.kind in {"payable", "envelope"} and each.closing_cents < 0
        ),
    )


def _nature(entry: Entry) -> str:
    """A refund of tickets also moves what they hadn't cost between envelope and backing: no expense."""
    if entry.kind in EXPENSES and "payable" not in {entry.debit_kind, entry.credit_kind}:
        return RELEASE_TAKEN_BACK
    return entry.kind


def _add(into: defaultdict[str, list[int]], kind: str, cents: int) -> None:
    if not into[kind]:
        into[kind] = [0, 0]
    into[kind][0] += 1
    into[kind][1] += cents


def _natures(sums: defaultdict[str, list[int]]) -> tuple[Nature, ...]:
    return tuple(Nature(kind, count, cents) for kind, (count, cents) in sorted(sums.items()))


def _trial_balance(balances: Sequence[AccountBalance], cash: Cash) -> tuple[Balance, ...]:
    by_kind: defaultdict[str, list[AccountBalance]] = defaultdict(list)
    for each in balances:
        by_kind[each.kind].append(each)
    bank = Balance(
        BANK,
        max(cash.opening_cents, 0),
        max(-cash.opening_cents, 0),
        cash.received_cents,
        cash.paid_cents,
        max(cash.closing_cents, 0),
        max(-cash.closing_cents, 0),
    )
    return (
        bank,
        *(
            Balance(
                kind,
                sum(max(-each.opening_cents, 0) for each in accounts),
                sum(max(each.opening_cents, 0) for each in accounts),
                sum(each.debited_cents for each in accounts),
                sum(each.credited_cents for each in accounts),
                sum(max(-each.closing_cents, 0) for each in accounts),
                sum(max(each.closing_cents, 0) for each in accounts),
            )
            for kind, accounts in sorted(by_kind.items())
        ),
    )
