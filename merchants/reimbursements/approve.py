"""Approving a run: the second pair of eyes, and the moment when the money leaves the payables.

Who prepares and who approves exclude each other, here and by a CHECK of the table (decree 2012-1246,
article 9: the functions of authorising officer and public accountant are incompatible).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.transfers import NewTransfer, post
from merchants.rails.sepa import bank_file
from merchants.reimbursements.control import Claimed, changed_accounts, control_totals, frozen_hash
from merchants.reimbursements.export import payment_order
from merchants.reimbursements.model import Run, TransitAccount
from merchants.reimbursements.reasons import (
    ApprovedByItsAuthor,
    ControlTotalsDiffer,
    PayeeChanged,
    RunChangedSinceRead,
    RunNotDraft,
)
from merchants.reimbursements.runs import lock_run
from sesame.platform.ids import uuid7


def approve_run(
    session: Session, run_id: UUID, *, by: UUID, at: datetime, read: str | None = None
) -> Run:
    """Approve a draft and move its money from the payables to the account in transit; return it.

    by: the identity of the accountant. read: the `frozen_hash` of what they read; None only where
    nothing was shown to them. The bank file is made here once and thrown away, so that none is
    approved that can't be made. Raises `RunUnknown`, `RunNotDraft` (also for whoever of two comes
    second), `ApprovedByItsAuthor`, `RunChangedSinceRead`, `PayeeChanged`, `ControlTotalsDiffer`, or
    what `bank_file` raises (`OrderPartyInvalid`, `OrderAmountInvalid`, `BankFileInvalid`).
    """
    run = lock_run(session, run_id)
    if run.state != "draft":
        raise RunNotDraft()
    if run.drafted_by == by:
        raise ApprovedByItsAuthor()
    if read is not None and read != frozen_hash(session, run):
        raise RunChangedSinceRead()
    if changed := changed_accounts(session, run):
        raise PayeeChanged(changed=changed)
    totals = control_totals(session, run)
    if not totals.agree:
        raise ControlTotalsDiffer(
            run_cents=totals.run_cents,
            remittances_cents=totals.remittances_cents,
            lines_cents=totals.lines_cents,
            ledger_cents=totals.ledger_cents,
        )
    bank_file(payment_order(session, run, made_at=at))
    run.approved_by = by
    run.approved_at = at
    run.state = "approved"
    session.flush()
    post(session, _remits(session, run, totals.claimed, at), at=at)
    return run


def _remits(
    session: Session, run: Run, claimed: Sequence[Claimed], at: datetime
) -> list[NewTransfer]:
    """Return the transfers that empty what the run claimed of each payable.

    A payable whose refunds exceed its sales is made good by the same payee's other payables: its
    transfer goes the other way, and the account in transit receives exactly the payment's amount.
    """
    transit = session.get_one(TransitAccount, run.payer).account_id
    return [
        NewTransfer(
            id=uuid7(at),
            debit=each.account_id if each.cents > 0 else transit,
            credit=transit if each.cents > 0 else each.account_id,
            amount=abs(each.cents),
            kind="remit",
            correlation_id=each.remittance_id,
            counts_at=at,
        )
        for each in claimed
        if each.cents != 0
    ]
