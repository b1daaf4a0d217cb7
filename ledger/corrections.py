"""Taking back what was moved: a new transfer that names what it corrects, and never more than that."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.outcomes import check_amounts, refusals

_GIVE_BACK = text(
    "SELECT ledger.give_back(:capture, :amount, :kind, :id, :correlation, :to_funders, :counts_at,"
    " :at, :happened_at)"
)
_TAKE_BACK = text(
    "SELECT ledger.take_back(:transfer, :amount, :kind, :id, :credit, :correlation, :counts_at, :at,"
    " NULL)"
)


def refund(
    session: Session,
    capture_id: UUID,
    amount: int,
    *,
    refund_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    to_funders: bool = False,
    happened_at: datetime | None = None,
) -> None:
    """Give back a part (cents) of a capture of money, from the payable to the entitlement.

    to_funders: the season is over, and it goes to the envelopes instead, in the shares frozen on the
    entitlement: then several transfers, of which the first has `refund_id`. Raises `CorrectsTooMuch`
    above what is left of the capture, `NothingToCorrect`, `PeriodClosed`, `AmountOutOfRange`,
    `TransferExists` never: a retry is told apart by its idempotency key.
    """
    _give_back(
        session, capture_id, amount, "refund", refund_id, correlation_id, counts_at, at, to_funders,
        happened_at,
    )  # fmt: skip


def cancel(
    session: Session,
    capture_id: UUID,
    amount: int,
    *,
    cancellation_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    to_funders: bool = False,
    happened_at: datetime | None = None,
) -> None:
    """Undo a capture that should not have been, in full or in part. As `refund` in all else."""
    _give_back(
        session, capture_id, amount, "cancellation", cancellation_id, correlation_id, counts_at, at,
        to_funders, happened_at,
    )  # fmt: skip


def _give_back(
    session: Session,
    capture_id: UUID,
    amount: int,
    kind: str,
    transfer_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    to_funders: bool,
    happened_at: datetime | None,
) -> None:
    check_amounts(amount)
    with refusals(session):
        session.execute(
            _GIVE_BACK,
            {
                "capture": capture_id,
                "amount": amount,
                "kind": kind,
                "id": transfer_id,
                "correlation": correlation_id,
                "to_funders": to_funders,
                "counts_at": counts_at,
                "at": at,
                "happened_at": happened_at,
            },
        )


def correct_fund(
    session: Session,
    fund_id: UUID,
    amount: int,
    *,
    correction_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> None:
    """Take a part (cents) of a funding out of its envelope again.

    Raises `InsufficientBalance` where the envelope no longer holds it, `CorrectsTooMuch`,
    `NothingToCorrect`, `PeriodClosed`, `AmountOutOfRange`.
    """
    _take_back(
        session, fund_id, amount, "correction", correction_id, None, correlation_id, counts_at, at
    )


def return_payment(
    session: Session,
    transfer_id: UUID,
    amount: int,
    *,
    return_id: UUID,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
    payable: UUID | None = None,
) -> None:
    """Owe again what a payment didn't bring: the bank rejected its remit, or returned its settle.

    amount: cents. payable: to whom it is owed again, for a settle; a remit knows its own. Raises
    `CorrectsTooMuch`, `NothingToCorrect`, `UnknownAccount`, `PeriodClosed`, `AmountOutOfRange`.
    """
    _take_back(
        session, transfer_id, amount, "return", return_id, payable, correlation_id, counts_at, at
    )


def _take_back(
    session: Session,
    transfer: UUID,
    amount: int,
    kind: str,
    new_id: UUID,
    credit: UUID | None,
    correlation_id: UUID,
    counts_at: datetime,
    at: datetime,
) -> None:
    check_amounts(amount)
    with refusals(session):
        session.execute(
            _TAKE_BACK,
            {
                "transfer": transfer,
                "amount": amount,
                "kind": kind,
                "id": new_id,
                "credit": credit,
                "correlation": correlation_id,
                "counts_at": counts_at,
                "at": at,
            },
        )
