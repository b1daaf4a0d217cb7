"""What the ledger's payables are, for staff: whom they are owed to, and which envelope pays them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.envelopes import account_ids
from merchants.directory.model import Merchant, PayableAccount, Payee
from sesame.platform.web.hooks import Explanation


def explain_payables(session: Session, accounts: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the payee's name by the account of what it is owed."""
    rows = session.execute(
        select(PayableAccount.account_id, Payee.holder, Merchant.name)
        .join(Payee, Payee.id == PayableAccount.payee_id)
        .join(Merchant, Merchant.id == Payee.merchant_id)
        .where(PayableAccount.account_id.in_(accounts))
    )
    return {
        account: Explanation(title=holder, detail="" if name == holder else name)
        for account, holder, name in rows
    }


def payables_of(session: Session, envelopes: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the payables that envelopes pay, by account; leads_to: the envelope's own account.

    envelopes: accounts of the ledger.
    """
    known = account_ids(session, envelopes)
    rows = session.execute(
        select(PayableAccount.account_id, PayableAccount.paying_envelope_id).where(
            PayableAccount.paying_envelope_id.in_(known)
        )
    )
    return {account: Explanation(title="", leads_to=known[envelope]) for account, envelope in rows}
