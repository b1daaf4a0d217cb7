"""Two-phase spending: an amount is set apart first, then captured, voided, or it lapses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.outcomes import check_amounts, refusals

_RESERVE = text(
    "SELECT ledger.reserve(:ids, :accounts, :credits, :amounts, :lapse_at, :correlations,"
    " :several, :at)"
)
_CAPTURE = text(
    "SELECT ledger.capture_hold(:hold, :amount, :transfer, :counts_at, :at, :happened_at)"
)
_VOID = text("SELECT ledger.void_hold(:hold, :at)")
_LAPSE = text("SELECT ledger.lapse_holds(:at, :most)")


@dataclass(frozen=True, slots=True)
class NewHold:
    """An amount (cents) of an entitlement to set apart for the payable `credit`.

    lapses_at: from then on it is spendable again, whether or not anything has tidied it away.
    several: whether it may be captured more than once, up to its amount.
    """

    id: UUID
    account: UUID
    credit: UUID
    amount: int
    lapses_at: datetime
    correlation_id: UUID
    several: bool = False


def reserve(session: Session, holds: Sequence[NewHold], *, at: datetime) -> None:
    """Set a linked set of amounts apart, all or none.

    Raises `InsufficientBalance`, `UnknownAccount`, `AssetMismatch`, `MovementNotAllowed` (not an
    entitlement and a payable), `HoldLapsed` (it would have lapsed already), `AmountOutOfRange`.
    """
    if not holds:
        return
    check_amounts(*(each.amount for each in holds))
    with refusals(session):
        session.execute(
            _RESERVE,
            {
                "ids": [each.id for each in holds],
                "accounts": [each.account for each in holds],
                "credits": [each.credit for each in holds],
                "amounts": [each.amount for each in holds],
                "lapse_at": [each.lapses_at for each in holds],
                "correlations": [each.correlation_id for each in holds],
                "several": [each.several for each in holds],
                "at": at,
            },
        )


def capture_hold(
    session: Session,
    hold_id: UUID,
    amount: int,
    *,
    transfer_id: UUID,
    counts_at: datetime,
    at: datetime,
    happened_at: datetime | None = None,
) -> None:
    """Capture a hold in full or in part (cents). What is left is spendable again, or stays held where
    several captures are allowed.

    Raises `HoldUnknown`, `HoldExceeded`, `HoldLapsed` (its time was over at `at`), `HoldEnded`,
    `PeriodClosed`, `AmountOutOfRange`.
    """
    check_amounts(amount)
    with refusals(session):
        session.execute(
            _CAPTURE,
            {
                "hold": hold_id,
                "amount": amount,
                "transfer": transfer_id,
                "counts_at": counts_at,
                "at": at,
                "happened_at": happened_at,
            },
        )


def void_hold(session: Session, hold_id: UUID, *, at: datetime) -> None:
    """End a hold: what is left of it is spendable again. Raises `HoldUnknown`, `HoldLapsed`, `HoldEnded`."""
    with refusals(session):
        session.execute(_VOID, {"hold": hold_id, "at": at})


def lapse_holds(session: Session, *, at: datetime, most: int = 10_000) -> int:
    """Tidy away holds that have lapsed, and return how many accounts had some.

    Nothing depends on it: what a lapsed hold kept is spendable at once.
    """
    return int(session.scalar(_LAPSE, {"at": at, "most": most}) or 0)
