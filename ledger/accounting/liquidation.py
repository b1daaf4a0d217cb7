"""The liquidation statement of envelopes that the public accountant pays (regime `mandatement`).

Décret 2012-1246, art. 31: to liquidate is to check that the debt is real (certification that the service
was done) and to fix its amount. CGCT, art. D1617-19: the accountant pays on the documents of its annexe I.
For each payee: the purchases that count in the period, each once, less refunds and cancellations.

What a payee owed from before (more refunded than sold) comes off first. A payee who still owes is told
apart and never makes another's payment smaller.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.accounting.mandate import Mandate, account_balances, journal
from ledger.closings import closed_before

_OPERATIONS = frozenset({"capture", "refund", "cancellation"})


@dataclass(frozen=True, slots=True)
class Operation:
    """A purchase, or what was given back of one. cents: below zero when given back."""

    transfer_id: UUID
    kind: str
    correlation_id: UUID
    counts_at: datetime
    happened_at: datetime
    cents: int


@dataclass(frozen=True)
class Due:
    """What is due to one payee. payable_id: its account; carried_cents: what it owed from before (≤ 0)."""

    payable_id: UUID
    carried_cents: int
    operations: tuple[Operation, ...]

    @property
    def captured_cents(self) -> int:
        """All its purchases."""
        return sum(each.cents for each in self.operations if each.cents > 0)

    @property
    def given_back_cents(self) -> int:
        """All that it gave back (above zero)."""
        return -sum(each.cents for each in self.operations if each.cents < 0)

    @property
    def net_cents(self) -> int:
        """Purchases, less what was given back, less what it owed."""
        return self.carried_cents + self.captured_cents - self.given_back_cents

    @property
    def to_pay_cents(self) -> int:
        """What to pay it."""
        return max(self.net_cents, 0)

    @property
    def to_recover_cents(self) -> int:
        """What it still owes, carried to the next statement."""
        return max(-self.net_cents, 0)


@dataclass(frozen=True)
class Liquidation:
    """A liquidation statement. final: the books are closed until its end, so nothing can be added."""

    of: Mandate
    dues: tuple[Due, ...]
    final: bool

    @property
    def to_pay_cents(self) -> int:
        """What the accountant is asked to pay in all."""
        return sum(each.to_pay_cents for each in self.dues)

    @property
    def captured_cents(self) -> int:
        """All purchases of the period."""
        return sum(each.captured_cents for each in self.dues)

    @property
    def given_back_cents(self) -> int:
        """All that was given back in the period (above zero)."""
        return sum(each.given_back_cents for each in self.dues)

    @property
    def carried_cents(self) -> int:
        """What payees owed from before (≤ 0)."""
        return sum(each.carried_cents for each in self.dues)

    @property
    def to_recover_cents(self) -> int:
        """What payees still owe at its end."""
        return sum(each.to_recover_cents for each in self.dues)

    def operations(self) -> Iterator[tuple[Due, Operation]]:
        """Yield every operation with the payee's due that it belongs to."""
        for due in self.dues:
            for operation in due.operations:
                yield due, operation


def liquidation(session: Session, of: Mandate) -> Liquidation:
    """Return what is due to each payee of these envelopes for what counts in the period.

    Two periods that touch never hold the same purchase: each counts at one moment. Read it in one
    snapshot (REPEATABLE READ).
    """
    operations: defaultdict[UUID, list[Operation]] = defaultdict(list)
    for entry in journal(session, of):
        if entry.kind not in _OPERATIONS:
            continue
        if entry.credit_kind == "payable":
            payable, cents = entry.credit_account_id, entry.amount_cents
        elif entry.debit_kind == "payable":
            payable, cents = entry.debit_account_id, -entry.amount_cents
        else:
            continue
        operations[payable].append(
            Operation(
                entry.id,
                entry.kind,
                entry.correlation_id,
                entry.counts_at,
                entry.own_date,
                cents,
            )
        )
    dues = [
        Due(each.account_id, min(each.opening_cents, 0), tuple(operations[each.account_id]))
        for each in account_balances(session, of)
        if each.kind == "payable" and (operations[each.account_id] or each.opening_cents < 0)
    ]
    closed = closed_before(session)
    return Liquidation(of, tuple(dues), closed is not None and of.before <= closed)
