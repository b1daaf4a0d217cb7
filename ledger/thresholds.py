"""Thresholds that warn before an envelope is empty: once for each crossing, and once it rose again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.outcomes import refusals
from ledger.reading.model import Threshold as ThresholdRow
from ledger.reading.model import ThresholdWarning

_SET = text("SELECT ledger.set_threshold(:account, :below, :by, :at)")
_NOTICE = text("SELECT ledger.notice_thresholds(:at)")


@dataclass(frozen=True)
class Threshold:
    """Below what an envelope is warned of, since when, and by whose hand."""

    below_cents: int
    set_at: datetime
    set_by: UUID | None


@dataclass(frozen=True)
class Warned:
    """An envelope that is below its threshold, as it was noticed."""

    account_id: UUID
    below_cents: int
    balance_cents: int
    noticed_at: datetime


def set_threshold(
    session: Session, account_id: UUID, below_cents: int | None, *, by: UUID | None, at: datetime
) -> None:
    """Warn once the envelope holds less than `below_cents`; None: no longer. Notices at once.

    by: the identity who sets it. Every setting is kept. Raises `UnknownAccount` for anything but an
    envelope.
    """
    with refusals(session):
        session.execute(_SET, {"account": account_id, "below": below_cents, "by": by, "at": at})
    notice_thresholds(session, at=at)


def notice_thresholds(session: Session, *, at: datetime) -> int:
    """Keep a warning for each envelope that went below its threshold, and the end of one that rose
    again; return how many. What was noticed already isn't noticed twice.
    """
    return int(session.scalar(_NOTICE, {"at": at}) or 0)


def threshold_of(session: Session, account_id: UUID) -> Threshold | None:
    """Return the threshold that holds for an envelope, or None."""
    latest = session.scalar(
        select(ThresholdRow)
        .where(ThresholdRow.account_id == account_id)
        .order_by(ThresholdRow.set_at.desc())
        .limit(1)
    )
    if latest is None or latest.below_cents is None:
        return None
    return Threshold(latest.below_cents, latest.set_at, latest.set_by)


def crossings(session: Session, account_id: UUID, limit: int) -> list[ThresholdWarning]:
    """Return what was noticed of an envelope's thresholds, the latest first."""
    query = select(ThresholdWarning).where(ThresholdWarning.account_id == account_id)
    latest = query.order_by(ThresholdWarning.noticed_at.desc(), ThresholdWarning.id.desc())
    return list(session.scalars(latest.limit(limit)))


def warned(session: Session) -> list[Warned]:
    """Return the envelopes that are below their thresholds, the one noticed longest ago first."""
    last = (
        select(ThresholdWarning)
        .distinct(ThresholdWarning.account_id)
        .order_by(
            ThresholdWarning.account_id,
            ThresholdWarning.noticed_at.desc(),
            ThresholdWarning.id.desc(),
        )
    )
    found = [
        Warned(row.account_id, row.below_cents, row.balance_cents, row.noticed_at)
        for row in session.scalars(last)
        if row.balance_cents < row.below_cents and threshold_of(session, row.account_id)
    ]
    return sorted(found, key=lambda each: each.noticed_at)
