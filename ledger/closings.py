"""Closing months: nothing may count in a closed one any more.

What is told late, an offline sale above all, keeps its own date and counts in the first open month.
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.model import Closing
from ledger.outcomes import refusals, sqlstate
from ledger.reasons import PeriodNotOver
from sesame.platform.problems import Busy

LOCK_WAIT_MS = 1_000
"""Closing waits for whoever posts at that moment, and those who come after wait behind it: not long."""

_LOCK_NOT_HAD = "55P03"
_CLOSE = text("SELECT ledger.close_books(:before, :by, :at)")
_CHECKPOINT = text("SELECT ledger.checkpoint_balances(:before, :at)")


def close_books(
    session: Session, before: datetime, *, zone: ZoneInfo, by: UUID | None, at: datetime
) -> None:
    """Close every month before `before`, the first moment of a month in the scheme's zone.

    by: the identity who closes, if it is a person. Commit soon: nobody posts meanwhile. Then
    `checkpoint_balances` keeps what each account held. Raises `PeriodNotOver` (the month isn't over,
    or `before` isn't the start of one), `PeriodClosed` (closed already), `Busy` when a long posting
    holds the books: try again.
    """
    local = before.astimezone(zone)
    starts_a_month = (local.day, local.hour, local.minute, local.second, local.microsecond) == (
        1, 0, 0, 0, 0,
    )  # fmt: skip
    if before > at or not starts_a_month:
        raise PeriodNotOver()
    try:
        with refusals(session):
            session.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
            session.execute(_CLOSE, {"before": before, "by": by, "at": at})
    except DBAPIError as error:
        if sqlstate(error) == _LOCK_NOT_HAD:
            raise Busy() from None
        raise


def checkpoint_balances(session: Session, before: datetime, *, at: datetime) -> int:
    """Keep what each account held at the closing `before`; return how many had moved since the last.

    Statements then read from there. Locks nobody out, and does nothing when it was done.
    """
    return int(session.scalar(_CHECKPOINT, {"before": before, "at": at}) or 0)


def closed_before(session: Session) -> datetime | None:
    """Return the moment before which the books are closed (UTC), or None."""
    return session.scalar(select(func.max(Closing.closed_before)))


def counts_when(session: Session, happened_at: datetime) -> datetime:
    """Return when something that happened then counts: at once, or in the first open month."""
    closed = closed_before(session)
    return happened_at if closed is None else max(happened_at, closed)
