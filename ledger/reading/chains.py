"""What a transfer takes back, and what took it back."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.model import Account, Transfer
from ledger.reading.accounts import find_transfer

_NAMED_FROM_ITS_SOURCE = ("fund", "release", "expiry")
"""Kinds whose corrections come back into the account that these left. All others are looked for among
what left the account that they went to: each time the side with few transfers."""


def corrected_by(session: Session, transfer: Transfer) -> list[Transfer]:
    """Return the transfers that take back `transfer` or a part of it, oldest first."""
    credit = session.get_one(Account, transfer.credit_account_id)
    side = Transfer.debit_account_id == transfer.credit_account_id
    if transfer.kind in _NAMED_FROM_ITS_SOURCE or credit.kind == "used":
        side = Transfer.credit_account_id == transfer.debit_account_id
    query = select(Transfer).where(side, Transfer.corrects_id == transfer.id)
    return list(session.scalars(query.order_by(Transfer.id)))


def chain(session: Session, transfer_id: UUID) -> list[Transfer]:
    """Return the transfer with all that it corrects and all that corrects it, oldest first.

    Raises `TransferUnknown`.
    """
    first = find_transfer(session, transfer_id)
    while first.corrects_id is not None:
        first = find_transfer(session, first.corrects_id)
    found = {first.id: first}
    waiting = [first]
    while waiting:
        for each in corrected_by(session, waiting.pop()):
            if each.id not in found:
                found[each.id] = each
                waiting.append(each)
    return [found[each] for each in sorted(found)]
