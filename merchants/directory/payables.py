"""Where the ledger keeps what a paying envelope owes to a payee: one account for each pair."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.accounts import open_account
from merchants.directory.model import PayableAccount, Payee
from merchants.directory.reasons import PayeeUnknown


def payable_account(
    session: Session, payee_id: UUID, paying_envelope_id: UUID, at: datetime
) -> UUID:
    """Return the ledger account of what `paying_envelope_id` owes `payee_id`; opened on first use.

    Two sales that come first at once get the same account: the second waits for the first on the
    payee's row. That row is locked on first use only, never by a sale that finds its account.
    The account is unguarded: a refund after payment takes it below zero until the next sales.
    Raises `PayeeUnknown`.
    """
    wanted = select(PayableAccount.account_id).where(
        PayableAccount.payee_id == payee_id,
        PayableAccount.paying_envelope_id == paying_envelope_id,
    )
    known = session.scalar(wanted)
    if known is not None:
        return known
    locked = select(Payee.id).where(Payee.id == payee_id).with_for_update(key_share=True)
    if session.scalar(locked) is None:
        raise PayeeUnknown()
    known = session.scalar(wanted)
    if known is not None:
        return known
    account_id = open_account(session, kind="payable", guarded=False, at=at)
    session.add(
        PayableAccount(
            payee_id=payee_id,
            paying_envelope_id=paying_envelope_id,
            account_id=account_id,
            opened_at=at,
        )
    )
    session.flush()
    return account_id
