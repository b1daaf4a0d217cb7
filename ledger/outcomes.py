"""What the ledger's SQL functions answer, as the errors of `ledger.reasons`."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.reasons import (
    AmountOutOfRange,
    AssetMismatch,
    CorrectsTooMuch,
    HoldEnded,
    HoldExceeded,
    HoldLapsed,
    HoldUnknown,
    InsufficientBalance,
    MovementNotAllowed,
    NothingToCorrect,
    PeriodClosed,
    PriceAboveFaceValue,
    UnknownAccount,
)
from sesame.platform.problems import SesameError

MAX_AMOUNT = 2**53 - 1
"""Exact in every language that may read our JSON; ninety thousand billion euros."""

OUTCOMES: dict[str, type[SesameError]] = {
    "SL001": InsufficientBalance,
    "SL002": UnknownAccount,
    "SL003": AssetMismatch,
    "SL004": MovementNotAllowed,
    "SL005": PeriodClosed,
    "SL006": HoldUnknown,
    "SL007": HoldExceeded,
    "SL008": HoldLapsed,
    "SL009": HoldEnded,
    "SL010": CorrectsTooMuch,
    "SL011": NothingToCorrect,
    "SL012": PriceAboveFaceValue,
    "SL014": AmountOutOfRange,
}


def check_amounts(*amounts: int) -> None:
    """Raise `AmountOutOfRange` unless every amount is above zero and within what the ledger holds."""
    if any(not 0 < amount <= MAX_AMOUNT for amount in amounts):
        raise AmountOutOfRange()


@contextmanager
def refusals(session: Session) -> Iterator[None]:
    """Raise the ledger's own errors for what its functions refuse; nothing of a refusal is kept.

    The session stays usable after one.
    """
    try:
        with session.begin_nested():
            yield
    except DBAPIError as error:
        known = OUTCOMES.get(sqlstate(error) or "")
        if known is None:
            raise
        raise known() from None


def sqlstate(error: DBAPIError) -> str | None:
    """Return the SQLSTATE of a database error, or None."""
    return error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None
