"""Calls for funds: the programme's paying body asks the other funders for what they bear.

What an envelope bears is its part of what was captured from each entitlement it shares, less what was
given back: the very parts that the ledger freezes at the grant, so the calls sum to it to the cent. Each
call asks for what former calls didn't. Refunds since then come off the next one: a call is never
negative. The funder's payment is a `fund` transfer into its envelope.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.accounting.model import CallForFunds
from ledger.accounting.reasons import CallAhead, NothingToCall, SameFunder
from ledger.model import Share
from sesame.platform.ids import uuid7

_CALL = text(
    "SELECT borne_cents, called_cents"
    " FROM ledger.call_for_funds(:id, :envelope, :paying, :counted_before, :at)"
)
_BORNE = text("SELECT ledger.borne(:envelope, :paying, :counted_before)")


@dataclass(frozen=True)
class Call:
    """A call as it was made. before_cents: what former calls had asked for by then."""

    id: UUID
    envelope_id: UUID
    paying_envelope_id: UUID
    counted_before: datetime
    borne_cents: int
    called_cents: int
    recorded_at: datetime
    before_cents: int


def call_for_funds(
    session: Session,
    envelope_id: UUID,
    paying_envelope_id: UUID,
    *,
    counted_before: datetime,
    at: datetime,
) -> Call:
    """Ask `envelope_id` for what it bears of the spending that counts before a moment, and keep the call.

    Raises `CallAhead` (that moment is still to come), `SameFunder` (the two share no plan) or
    `NothingToCall`, and then nothing is kept.
    """
    if counted_before > at:
        raise CallAhead()
    _check_shared(session, envelope_id, paying_envelope_id)
    call_id = uuid7(at)
    borne, called = session.execute(
        _CALL,
        {
            "id": call_id,
            "envelope": envelope_id,
            "paying": paying_envelope_id,
            "counted_before": counted_before,
            "at": at,
        },
    ).one()
    if called == 0:
        raise NothingToCall()
    return Call(
        call_id,
        envelope_id,
        paying_envelope_id,
        counted_before,
        borne,
        called,
        at,
        borne - called,
    )


def calls(session: Session, envelope_id: UUID, paying_envelope_id: UUID) -> list[Call]:
    """Return the calls that a paying envelope made to another, oldest first."""
    rows = session.scalars(
        select(CallForFunds)
        .where(
            CallForFunds.envelope_id == envelope_id,
            CallForFunds.paying_envelope_id == paying_envelope_id,
        )
        .order_by(CallForFunds.recorded_at, CallForFunds.counted_before)
    )
    return [
        Call(
            row.id,
            row.envelope_id,
            row.paying_envelope_id,
            row.counted_before,
            row.borne_cents,
            row.called_cents,
            row.recorded_at,
            row.borne_cents - row.called_cents,
        )
        for row in rows
    ]


def borne_cents(
    session: Session, envelope_id: UUID, paying_envelope_id: UUID, *, counted_before: datetime
) -> int:
    """Return what `envelope_id` bears of the spending it shares with the paying one, in cents."""
    return int(
        session.scalar(
            _BORNE,
            {
                "envelope": envelope_id,
                "paying": paying_envelope_id,
                "counted_before": counted_before,
            },
        )
        or 0
    )


def _check_shared(session: Session, envelope_id: UUID, paying_envelope_id: UUID) -> None:
    paying = select(Share.share_plan_id).where(Share.envelope_id == paying_envelope_id)
    shared = select(Share.share_plan_id).where(
        Share.envelope_id == envelope_id, Share.share_plan_id.in_(paying)
    )
    if envelope_id == paying_envelope_id or session.scalar(shared.limit(1)) is None:
        raise SameFunder()
