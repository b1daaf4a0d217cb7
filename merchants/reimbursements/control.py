"""What is checked before a run is approved: sums held against each other, details against today's."""

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from merchants.reimbursements.draft import ACCOUNT_CHANGED, debtor_columns
from merchants.reimbursements.model import Remittance, Run
from merchants.reimbursements.payers import payers

_ACCOUNT = ("iban", "bic", "building_number", "street", "postal_code", "town", "country")
_DEBTOR = tuple(f"debtor_{name}" for name in ("name", *_ACCOUNT))
_PAID = ("end_to_end_id", "payee_id", "amount_cents", "line_count", "holder", *_ACCOUNT)


@dataclass(frozen=True)
class ControlTotals:
    """Four sums of one run that must be one: the run's own, its payments', its lines', the ledger's.

    The ledger's counts a line only where the ledger has that transfer, on a payable of that payee,
    for that amount, before the cut-off.
    """

    run_cents: int
    remittances_cents: int
    lines_cents: int
    ledger_cents: int
    run_lines: int
    lines: int
    ledger_lines: int

    @property
    def agree(self) -> bool:
        """Whether all sums, and the numbers of lines, are the same."""
        cents = {self.run_cents, self.remittances_cents, self.lines_cents, self.ledger_cents}
        return len(cents) == 1 and self.run_lines == self.lines == self.ledger_lines


_TOTALS = text(
    """
    WITH paid AS (
        SELECT id, payee_id, amount_cents FROM merchants.remittance WHERE run_id = :run_id
    ), line AS MATERIALIZED (
        SELECT l.transfer_id, l.account_id, l.amount_cents, paid.payee_id
          FROM merchants.run_line l JOIN paid ON paid.id = l.remittance_id
    ), payable AS (
        SELECT account_id, payee_id FROM merchants.payable_account
         WHERE payee_id IN (SELECT payee_id FROM paid)
    ), booked AS (
        SELECT m.amount
          FROM ledger.movements(ARRAY(SELECT account_id FROM payable), :cutoff_at) m
          JOIN payable USING (account_id)
          JOIN line ON line.transfer_id = m.transfer_id AND line.account_id = m.account_id
           AND line.amount_cents = m.amount AND line.payee_id = payable.payee_id
         WHERE m.kind <> 'remit'
    )
    SELECT (SELECT coalesce(sum(amount_cents), 0) FROM paid),
           (SELECT coalesce(sum(amount_cents), 0) FROM line),
           (SELECT coalesce(sum(amount), 0) FROM booked),
           (SELECT count(*) FROM line),
           (SELECT count(*) FROM booked)
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
    row = session.execute(_TOTALS, {"run_id": run.id, "cutoff_at": run.cutoff_at}).one()
    remittances_cents, lines_cents, ledger_cents, lines, ledger_lines = (int(each) for each in row)
    return ControlTotals(
        run_cents=run.total_cents,
        remittances_cents=remittances_cents,
        lines_cents=lines_cents,
        ledger_cents=ledger_cents,
        run_lines=run.line_count,
        lines=lines,
        ledger_lines=ledger_lines,
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
