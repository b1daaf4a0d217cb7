"""What a payer owes and no run has claimed yet: the one definition that drafts and screens share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from merchants.directory.model import PayableAccount, Payee
from merchants.rails.reasons import OrderPartyInvalid
from merchants.rails.sepa import Address, Party, check_party
from merchants.reimbursements.payers import Payer

UNCLAIMED = """
    payable AS (
        SELECT payee_id, account_id FROM merchants.payable_account
         WHERE account_id = ANY (CAST(:payables AS uuid[]))
    ), unclaimed AS (
        SELECT p.payee_id, m.transfer_id, m.account_id, m.amount, m.counts_at
          FROM ledger.movements(CAST(:payables AS uuid[]), :cutoff_at) m
          JOIN payable p ON p.account_id = m.account_id
         WHERE m.kind <> 'remit'
           AND NOT EXISTS (
               SELECT 1 FROM merchants.run_line l
                WHERE l.transfer_id = m.transfer_id
                  AND l.run_id NOT IN (SELECT id FROM merchants.run WHERE state = 'withdrawn')
           )
    ), due AS MATERIALIZED (
        SELECT payee_id, sum(amount)::bigint AS amount, count(*) AS lines
          FROM unclaimed GROUP BY payee_id HAVING sum(amount) > 0
    ), owed AS MATERIALIZED (
        SELECT payee_id, amount, lines FROM due
         WHERE payee_id <> ALL (CAST(:unpayable AS uuid[]))
    )
"""
"""Claims nothing by a watermark: what committed late is unclaimed, whenever it counts. Needs
`payables`, the payer's accounts (as a value, so that the planner sees into the ledger's function),
`cutoff_at` and `unpayable`, the payees whose account no bank would take: they are due
money, and are left for a later run. A payee who owes more refunds than sales isn't due anything yet."""


@dataclass(frozen=True)
class Owed:
    """What can be put into a run: how many payees, how many sales and refunds, how much."""

    payees: int
    lines: int
    cents: int


_ACCOUNTS = select(Payee.id, Payee.holder, Payee.iban, Payee.bic, Payee.town, Payee.country)

_OWED = text(
    f"WITH {UNCLAIMED} SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(amount), 0) FROM owed"
)


@dataclass(frozen=True)
class LeftOut:
    """A payee who is due money and can't be paid. field: what of their account a bank would refuse."""

    payee_id: UUID
    holder: str
    field: str
    cents: int


_LEFT_OUT = text(
    f"""
    WITH {UNCLAIMED}
    SELECT due.payee_id, p.holder, due.amount FROM due JOIN merchants.payee p ON p.id = due.payee_id
     WHERE due.payee_id = ANY (CAST(:unpayable AS uuid[]))
     ORDER BY p.holder, due.payee_id
    """
)


def owed(session: Session, payer: Payer, before: datetime) -> Owed:
    """Return what a run of `payer` would pay for what counts before that moment."""
    wrong = unpayable(session, payer)
    row = session.execute(_OWED, unclaimed_values(session, payer, before, wrong)).one()
    return Owed(int(row[0]), int(row[1]), int(row[2]))


def left_out(session: Session, payer: Payer, before: datetime) -> list[LeftOut]:
    """Return who is due money by `payer` and can't be paid as their account stands now, by holder."""
    wrong = unpayable(session, payer)
    if not wrong:
        return []
    rows = session.execute(_LEFT_OUT, unclaimed_values(session, payer, before, wrong))
    return [LeftOut(payee, holder, wrong[payee], int(cents)) for payee, holder, cents in rows]


def unpayable(session: Session, payer: Payer) -> dict[UUID, str]:
    """Return the payees of `payer` whose account a bank would refuse, with the field that is wrong."""
    wrong: dict[UUID, str] = {}
    ours = select(PayableAccount.payee_id).where(
        PayableAccount.paying_envelope_id.in_(payer.envelope_ids)
    )
    for payee in session.execute(_ACCOUNTS.where(Payee.id.in_(ours))):
        try:
            check_party(
                Party(
                    name=payee.holder,
                    iban=payee.iban,
                    bic=payee.bic,
                    address=Address("", "", town=payee.town, country=payee.country),
                ),
                payee.id.hex,
            )
        except OrderPartyInvalid as refused:
            wrong[payee.id] = str(refused.figures["field"])
    return wrong


def unclaimed_values(
    session: Session, payer: Payer, before: datetime, wrong: Iterable[UUID]
) -> dict[str, Any]:
    """Return what `UNCLAIMED` needs for what `payer` owes before that moment, but to payees `wrong`."""
    payables = select(PayableAccount.account_id).where(
        PayableAccount.paying_envelope_id.in_(payer.envelope_ids)
    )
    return {
        "payables": list(session.scalars(payables)),
        "cutoff_at": before,
        "unpayable": list(wrong),
    }
