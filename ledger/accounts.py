"""Opening accounts and share plans."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.outcomes import refusals
from sesame.platform.ids import uuid7

_OPEN = text(
    "SELECT ledger.open_account(:id, :asset, :kind, :guarded, :floor, :backs, :unit_cents, :at)"
)
_CREATE_PLAN = text("SELECT ledger.create_share_plan(:id, :envelopes, :weights, :at)")


def open_account(
    session: Session,
    *,
    kind: str,
    guarded: bool,
    at: datetime,
    asset: str = "EUR",
    floor: int = 0,
    backs: UUID | None = None,
    unit_cents: int | None = None,
) -> UUID:
    """Open an account and return its id.

    kind: one of `ledger.model.ACCOUNT_KINDS`. guarded: whether its balance is kept and may never go
    below its floor. asset: `EUR` (units are cents) or a ticket asset. floor: 0, or below it for an
    envelope that may be overdrawn (cents). backs, unit_cents: see `ledger.model.Account`.
    """
    account_id = uuid7(at)
    session.execute(
        _OPEN,
        {
            "id": account_id,
            "asset": asset,
            "kind": kind,
            "guarded": guarded,
            "floor": floor,
            "backs": backs,
            "unit_cents": unit_cents,
            "at": at,
        },
    )
    return account_id


def create_share_plan(
    session: Session, shares: Sequence[tuple[UUID, int]], *, at: datetime
) -> UUID:
    """Freeze funders' shares and return the plan's id.

    shares: (envelope account id, weight > 0) in the order in which cents are rounded; weights are
    compared to their sum (60 and 40, or 600 and 400). Raises `UnknownAccount` unless each is another
    envelope.
    """
    plan_id = uuid7(at)
    with refusals(session):
        session.execute(
            _CREATE_PLAN,
            {
                "id": plan_id,
                "envelopes": [envelope_id for envelope_id, _weight in shares],
                "weights": [weight for _envelope_id, weight in shares],
                "at": at,
            },
        )
    return plan_id
