"""Opening accounts and share plans."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.model import Account, Balance, Share, SharePlan
from sesame.platform.ids import uuid7


def open_account(
    session: Session, *, kind: str, guarded: bool, at: datetime, asset: str = "EUR"
) -> UUID:
    """Open an account and return its id.

    kind: one of `ledger.model.ACCOUNT_KINDS`. guarded: whether its balance is kept and may never go
    below zero. asset: `EUR` (units are cents) or a ticket asset.
    """
    account_id = uuid7(at)
    session.add(Account(id=account_id, asset=asset, kind=kind, guarded=guarded, created_at=at))
    session.flush()
    if guarded:
        session.add(Balance(account_id=account_id, balance=0))
        session.flush()
    return account_id


def create_share_plan(
    session: Session, shares: Sequence[tuple[UUID, int]], *, at: datetime
) -> UUID:
    """Freeze funders' shares and return the plan's id.

    shares: (envelope account id, weight > 0) in the order in which cents are rounded; weights are
    compared to their sum (60 and 40, or 600 and 400).
    """
    plan_id = uuid7(at)
    session.add(SharePlan(id=plan_id, created_at=at))
    session.flush()
    session.add_all(
        Share(share_plan_id=plan_id, position=position, envelope_id=envelope_id, weight=weight)
        for position, (envelope_id, weight) in enumerate(shares, start=1)
    )
    session.flush()
    return plan_id
