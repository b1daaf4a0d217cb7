"""What is checked before a run is approved: sums held against each other, details against today's."""

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from merchants.reimbursements.draft import ACCOUNT_CHANGED, ENOUGH_MEMORY, debtor_columns
from merchants.reimbursements.model import Remittance, Run
from merchants.reimbursements.payers import payers

_ACCOUNT = ("iban", "bic", "building_number", "street", "postal_code", "town", "country")
_DEBTOR = tuple(f"debtor_{name}" for name in ("name", *_ACCOUNT))
_PAID = ("end_to_end_id", "payee_id", "amount_cents", "line_count", "holder", *_ACCOUNT)


@dataclass(frozen=True)
class Claimed:
    """What a payment's lines claim of one payable, and how much of it the ledger bears out.

    The ledger bears a line out only where it has that transfer, on a payable of that payee, for that
    amount, before the cut-off.
    """

    remittance_id: UUID
    account_id: UUID
    cents: int
    lines: int
    ledger_cents: int
    ledger_lines: int


@dataclass(frozen=True)
class ControlTotals:
    """Four sums of one run that must be one: the run's own, its payments', its lines', the ledger's."""

    run_cents: int
    remittances_cents: int
    run_lines: int
    claimed: tuple[Claimed, ...]

    @property
    def lines_cents(self) -> int:
        """The sum of the lines."""
        return sum(each.cents for each in self.claimed)

    @property
    def ledger_cents(self) -> int:
        """What the ledger has of them."""
        return sum(each.ledger_cents for each in self.claimed)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(each.lines for each in self.claimed)

    @property
    def ledger_lines(self) -> int:
        """How many of them the ledger has."""
        return sum(each.ledger_lines for each in self.claimed)

    @property
    def agree(self) -> bool:
        """Whether all sums, and the numbers of lines, are the same."""
        cents = {self.run_cents, self.remittances_cents, self.lines_cents, self.ledger_cents}
        return len(cents) == 1 and self.run_lines == self.lines == self.ledger_lines


_PAYABLES = text(
    """
    SELECT account_id FROM merchants.payable_account
     WHERE payee_id IN (SELECT payee_id FROM merchants.remittance WHERE run_id = :run_id)
    """
)

# One pass over the lines and one over the ledger, whatever their number.
_CLAIMED = text(
    """
    WITH line AS (
        SELECT l.remittance_id, l.account_id, sum(l.amount_cents) AS cents, count(*) AS lines,
               sum(m.amount) AS ledger_cents, count(m.amount) AS ledger_lines
          FROM merchants.run_line l JOIN merchants.remittance r ON r.id = l.remittance_id
          LEFT JOIN ledger.movements(CAST(:payables AS uuid[]), :cutoff_at) m
            ON m.transfer_id = l.transfer_id AND m.account_id = l.account_id
           AND m.amount = l.amount_cents AND m.kind <> 'remit'
         WHERE r.run_id = :run_id
         GROUP BY l.remittance_id, l.account_id
    )
    SELECT line.remittance_id, line.account_id, line.cents, line.lines,
           CASE WHEN p.account_id IS NULL THEN 0 ELSE coalesce(line.ledger_cents, 0) END,
           CASE WHEN p.account_id IS NULL THEN 0 ELSE line.ledger_lines END
      FROM line JOIN merchants.remittance r ON r.id = line.remittance_id
      LEFT JOIN merchants.payable_account p
        ON p.account_id = line.account_id AND p.payee_id = r.payee_id
     ORDER BY line.remittance_id, line.cents DESC
    """
)

_CHANGED = text(
    f"""
    SELECT count(*) FROM merchants.remittance r JOIN merchants.payee p ON p.id = r.payee_id
     WHERE r.run_id = :run_id AND {ACCOUNT_CHANGED}
    """
)


def control_totals(session: Session, run: Run) -> ControlTotals:
    """Return the sums of `run`, each from its own source."""
    session.execute(ENOUGH_MEMORY)
    payables = list(session.scalars(_PAYABLES, {"run_id": run.id}))
    rows = session.execute(
        _CLAIMED, {"run_id": run.id, "cutoff_at": run.cutoff_at, "payables": payables}
    )
    paid = select(func.coalesce(func.sum(Remittance.amount_cents), 0)).where(
        Remittance.run_id == run.id
    )
    return ControlTotals(
        run_cents=run.total_cents,
        remittances_cents=int(session.scalars(paid).one()),
        run_lines=run.line_count,
        claimed=tuple(
            Claimed(remittance_id, account_id, *map(int, figures))
            for remittance_id, account_id, *figures in rows
        ),
    )


def frozen_hash(session: Session, run: Run) -> str:
    """Return the SHA-256, in hexadecimal, of what `run` would pay: payer, payees, accounts, amounts.

    Two readings with the same hash have read the same payments.
    """
    paid = session.execute(
        select(*(getattr(Remittance, name) for name in _PAID))
        .where(Remittance.run_id == run.id)
        .order_by(Remittance.end_to_end_id)
    )
    frozen = [
        [run.message_id, run.payer, run.total_cents, run.remittance_count, run.line_count],
        [getattr(run, name) for name in _DEBTOR],
        [list(row) for row in paid],
    ]
    return hashlib.sha256(json.dumps(frozen, default=str).encode()).hexdigest()


def changed_accounts(session: Session, run: Run) -> int:
    """Return how many bank accounts, the payer's included, are no longer as the draft froze them."""
    payees = int(session.scalar(_CHANGED, {"run_id": run.id}) or 0)
    payer = payers(session).get(run.payer)
    frozen = {name: getattr(run, name) for name in debtor_columns(payer.account)} if payer else {}
    payer_changed = payer is None or frozen != debtor_columns(payer.account)
    return payees + (1 if payer_changed else 0)
