"""An envelope's life: what it was given, what it gave, what was spent of it, and how long the rest lasts.

Closed months are read as they were kept; only the open ones are worked out. Everything is this
envelope's own part, where a programme has several funders.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.closings import closed_before
from ledger.model import Account, Share, Transfer
from ledger.reading.accounts import find_account
from ledger.reading.model import EnvelopeMonth
from ledger.reading.reasons import AccountUnknown
from sesame.platform.clock import day_in

PACE_DAYS = 28
"""Four whole weeks: school weeks have their own rhythm, and so does each day of them."""

_PERIOD = text("SELECT * FROM ledger.envelope_period(:envelope, :since, :before)")
_KEEP = text("SELECT ledger.keep_envelope_month(:envelope, :since, :before, :at)")
_HELD = text(
    "SELECT coalesce(sum(h.amount - h.captured), 0)::bigint FROM ledger.hold h"
    " JOIN ledger.account a ON a.id = h.account_id AND a.asset = 'EUR'"
    " JOIN ledger.share s ON s.share_plan_id = a.share_plan_id"
    " WHERE h.state = 'open' AND h.lapses_at > :at AND s.envelope_id = :envelope"
)
_PAYMENTS = text("SELECT in_transit, paid FROM ledger.payments_of(:payables)")
_OWED = text(
    "SELECT coalesce(sum(balance), 0)::bigint"
    " FROM ledger.balances_as_of(:payables, 'infinity', 'infinity')"
)


@dataclass(frozen=True)
class Flow:
    """What an envelope's money did in a period, in cents. Its end is left out."""

    since: datetime
    before: datetime
    funded: int = 0
    granted: int = 0
    expired: int = 0
    given_back: int = 0
    spent: int = 0

    def __add__(self, other: "Flow") -> "Flow":
        return Flow(
            min(self.since, other.since),
            max(self.before, other.before),
            self.funded + other.funded,
            self.granted + other.granted,
            self.expired + other.expired,
            self.given_back + other.given_back,
            self.spent + other.spent,
        )

    @property
    def left(self) -> int:
        """What the envelope holds and hasn't granted."""
        return self.funded - self.granted + self.expired + self.given_back

    @property
    def on_cards(self) -> int:
        """What was granted, wasn't spent and hasn't come back: still on people's cards."""
        return self.granted - self.expired - self.given_back - self.spent


@dataclass(frozen=True)
class Payments:
    """What the envelope's payees are owed, and what was paid to them: all funders' parts together."""

    owed: int
    in_transit: int
    paid: int


@dataclass(frozen=True)
class Forecast:
    """How long what is on the cards lasts at the pace of the last days. last_day: the season's end.

    lasts_until: None when nothing was spent lately. unspent_cents: what would be left on the season's
    last day at this pace; 0 when all would be spent before.
    """

    pace_cents_a_day: int
    lasts_until: date | None
    last_day: date | None
    unspent_cents: int | None


@dataclass(frozen=True)
class Life:
    """An envelope from its beginning until now. months: each calendar month, oldest first."""

    envelope: Account
    months: tuple[Flow, ...]
    total: Flow
    held: int
    recent: Flow


def life(session: Session, envelope_id: UUID, *, zone: ZoneInfo, at: datetime) -> Life:
    """Return the life of an envelope as it stands at `at`. Raises `AccountUnknown`."""
    account = find_account(session, envelope_id)
    if account.kind != "envelope":
        raise AccountUnknown()
    months = _months(session, account, zone, at)
    held = int(session.scalar(_HELD, {"envelope": envelope_id, "at": at}) or 0)
    since = at - timedelta(days=PACE_DAYS)
    return Life(
        account,
        tuple(months),
        reduce(lambda one, other: one + other, months),
        held,
        _flow(session, envelope_id, since, at + timedelta(microseconds=1)),
    )


def payments(session: Session, payables: Sequence[UUID]) -> Payments:
    """Return what is owed, ordered and paid to these payables."""
    values = {"payables": list(payables)}
    in_transit, paid = session.execute(_PAYMENTS, values).one()
    return Payments(int(session.scalar(_OWED, values) or 0), int(in_transit), int(paid))


def forecast(of: Life, *, last_day: date | None, zone: ZoneInfo, at: datetime) -> Forecast:
    """Hold the pace of the last `PACE_DAYS` days against what is on the cards and the season's end."""
    pace = max(of.recent.spent, 0) // PACE_DAYS
    today = day_in(zone, at)
    on_cards = max(of.total.on_cards, 0)
    lasts = None if pace == 0 else today + timedelta(days=min(on_cards // pace, 36_500))
    unspent = None
    if last_day is not None:
        unspent = max(on_cards - pace * max((last_day - today).days, 0), 0)
    return Forecast(pace, lasts, last_day, unspent)


def shares_with(session: Session, envelope_id: UUID) -> list[UUID]:
    """Return the other envelopes that share a programme's grants with this one, by their place."""
    plans = select(Share.share_plan_id).where(Share.envelope_id == envelope_id)
    query = (
        select(Share.envelope_id, Share.position)
        .where(Share.share_plan_id.in_(plans), Share.envelope_id != envelope_id)
        .order_by(Share.share_plan_id.desc(), Share.position)
    )
    return list(dict.fromkeys(row.envelope_id for row in session.execute(query)))


def keep_closed_months(session: Session, *, zone: ZoneInfo, at: datetime) -> int:
    """Keep the figures of every envelope's closed months that aren't kept; return how many."""
    closed = closed_before(session)
    if closed is None:
        return 0
    kept = 0
    for envelope in session.scalars(select(Account).where(Account.kind == "envelope")):
        known = _kept_until(session, envelope.id)
        begins = known or _first_month(session, envelope, zone)
        for since, before in _calendar(begins, closed, zone):
            if before <= closed:
                session.execute(
                    _KEEP, {"envelope": envelope.id, "since": since, "before": before, "at": at}
                )
                kept += 1
    return kept


def _months(session: Session, envelope: Account, zone: ZoneInfo, at: datetime) -> list[Flow]:
    rows = session.scalars(
        select(EnvelopeMonth)
        .where(EnvelopeMonth.envelope_id == envelope.id)
        .order_by(EnvelopeMonth.counts_before)
    )
    months = [
        Flow(
            row.counts_from,
            row.counts_before,
            row.funded_cents,
            row.granted_cents,
            row.expired_cents,
            row.given_back_cents,
            row.spent_cents,
        )
        for row in rows
    ]
    begins = months[-1].before if months else _first_month(session, envelope, zone)
    months += [
        _flow(session, envelope.id, since, before) for since, before in _calendar(begins, at, zone)
    ]
    return months


def _flow(session: Session, envelope_id: UUID, since: datetime, before: datetime) -> Flow:
    row = session.execute(
        _PERIOD, {"envelope": envelope_id, "since": since, "before": before}
    ).one()
    return Flow(since, before, row.funded, row.granted, row.expired, row.given_back, row.spent)


def _kept_until(session: Session, envelope_id: UUID) -> datetime | None:
    query = select(EnvelopeMonth.counts_before).where(EnvelopeMonth.envelope_id == envelope_id)
    return session.scalar(query.order_by(EnvelopeMonth.counts_before.desc()).limit(1))


def _first_month(session: Session, envelope: Account, zone: ZoneInfo) -> datetime:
    """Return the start of the month of the envelope's first transfer; of its opening without any."""
    first = session.scalar(
        select(Transfer.counts_at)
        .where(Transfer.credit_account_id == envelope.id)
        .order_by(Transfer.counts_at)
        .limit(1)
    )
    local = min(first or envelope.created_at, envelope.created_at).astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone)


def _calendar(since: datetime, until: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return the calendar months from `since`, the start of one, to the one that `until` is in."""
    months: list[tuple[datetime, datetime]] = []
    begins = since.astimezone(zone)
    while not months or begins <= until:
        ends = _next_month(begins, zone)
        months.append((begins, ends))
        begins = ends
    return months


def _next_month(begins: datetime, zone: ZoneInfo) -> datetime:
    """Return the start of the month after the one that begins at `begins`."""
    years, month = divmod(begins.month, 12)
    return datetime(begins.year + years, month + 1, 1, tzinfo=zone)
