"""What the ledger does by itself, now and then. Nothing else waits for it."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ledger.closings import checkpoint_balances, closed_before
from ledger.holds import lapse_holds
from ledger.reading.envelope import keep_closed_months
from ledger.thresholds import notice_thresholds
from sesame.platform.jobs import job
from sesame.platform.scheme import current_scheme

WATCH_EVERY = timedelta(minutes=10)


@job("ledger.watch_envelopes", every=WATCH_EVERY)
def watch_envelopes(session: Session, at: datetime) -> None:
    """Notice the envelopes that went below their threshold; keep the figures of closed months."""
    notice_thresholds(session, at=at)
    keep_closed_months(session, zone=current_scheme(session).zone, at=at)


@job("ledger.tidy", every=WATCH_EVERY)
def tidy(session: Session, at: datetime) -> None:
    """End the holds that have lapsed; keep the balances of a closing that was stopped before it could."""
    lapse_holds(session, at=at)
    closed = closed_before(session)
    if closed is not None:
        checkpoint_balances(session, closed, at=at)
