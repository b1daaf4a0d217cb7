"""Posting transfers: the only way that a balance changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.reasons import (
    AmountOutOfRange,
    AssetMismatch,
    InsufficientBalance,
    TransferExists,
    TransferExistsDifferently,
    UnknownAccount,
)
from sesame.platform.problems import SesameError

MAX_AMOUNT = 2**53 - 1
"""Exact in every language that may read our JSON; ninety thousand billion euros."""

INSUFFICIENT = "SL001"
_OUTCOMES: dict[str, type[SesameError]] = {
    INSUFFICIENT: InsufficientBalance,
    "SL002": UnknownAccount,
    "SL003": AssetMismatch,
}
_UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """A transfer to post. `id` is the caller's: posting it again is told apart from a new one.

    amount: units of the accounts' asset (cents for EUR), above zero. correlation_id: what it belongs
    to in the rooms above (a purchase, a grant batch, a remittance). counts_at: when it counts.
    """

    id: UUID
    debit: UUID
    credit: UUID
    amount: int
    kind: str
    correlation_id: UUID
    counts_at: datetime
    corrects_id: UUID | None = None


_POST = text(
    "SELECT ledger.post_transfers(:ids, :debits, :credits, :amounts, :kinds, :correlations, "
    ":corrects, :counts_at, :recorded_at)"
)
_COUNT_SAME = text(
    "SELECT ledger.count_same(:ids, :debits, :credits, :amounts, :kinds, :correlations)"
)


def post(session: Session, transfers: Sequence[NewTransfer], *, at: datetime) -> None:
    """Append a linked set of transfers, all or none; `at` is when they are recorded.

    Raises `InsufficientBalance`, `UnknownAccount`, `AssetMismatch`, `AmountOutOfRange`,
    `TransferExists` (the very same set was posted before) or `TransferExistsDifferently`. A refused
    set leaves the session usable: nothing of it is kept.
    """
    if not transfers:
        return
    if any(not 0 < each.amount <= MAX_AMOUNT for each in transfers):
        raise AmountOutOfRange()
    columns = {
        "ids": [each.id for each in transfers],
        "debits": [each.debit for each in transfers],
        "credits": [each.credit for each in transfers],
        "amounts": [each.amount for each in transfers],
        "kinds": [each.kind for each in transfers],
        "correlations": [each.correlation_id for each in transfers],
    }
    more = {
        "corrects": [each.corrects_id for each in transfers],
        "counts_at": [each.counts_at for each in transfers],
        "recorded_at": at,
    }
    try:
        with session.begin_nested():
            session.execute(_POST, columns | more)
    except DBAPIError as error:
        state = sqlstate(error)
        if state == _UNIQUE_VIOLATION:
            same = session.scalar(_COUNT_SAME, columns)
            known = TransferExists if same == len(transfers) else TransferExistsDifferently
            raise known() from None
        if state in _OUTCOMES:
            raise _OUTCOMES[state]() from None
        raise


def sqlstate(error: DBAPIError) -> str | None:
    """Return the SQLSTATE of a database error, or None."""
    return error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None
