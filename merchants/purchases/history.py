"""Reading decisions: a holder's last ones, a day's, a fortnight's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from merchants.directory.listing import site_names
from merchants.purchases.model import Decision
from sesame.platform.clock import day_bounds, day_in
from sesame.platform.ids import first_uuid7
from sesame.platform.problems import reason_for


@dataclass(frozen=True)
class HistoryLine:
    """One purchase as its holder reads it. explanation: a French msgid, empty when all was paid."""

    id: UUID
    at: datetime
    site_name: str
    outcome: str
    amount_cents: int
    approved_cents: int
    code: str
    explanation: str


@dataclass(frozen=True)
class Day:
    """A day's purchases in the scheme's zone: how many were paid, how much, how many refused."""

    day: date
    paid_count: int
    paid_cents: int
    refused_count: int


def history(
    session: Session, beneficiary_id: UUID, *, limit: int, before: UUID | None = None
) -> list[HistoryLine]:
    """Return the holder's decisions, the newest first. before: the last id of the page before."""
    query = select(Decision).where(Decision.beneficiary_id == beneficiary_id)
    if before is not None:
        query = query.where(Decision.id < before)
    rows = list(session.scalars(query.order_by(Decision.id.desc()).limit(limit)))
    names = site_names(session, [row.site_id for row in rows])
    return [
        HistoryLine(
            id=row.id,
            at=row.at,
            site_name=names[row.site_id],
            outcome=row.outcome,
            amount_cents=row.amount_cents,
            approved_cents=row.approved_cents,
            code=row.reasons[0] if row.reasons else "",
            explanation=_explanation(row.reasons),
        )
        for row in rows
    ]


def _explanation(codes: Sequence[str]) -> str:
    if not codes:
        return ""
    reason = reason_for(codes[0])
    return reason.holder or reason.sentence


def fortnight(session: Session, zone: ZoneInfo, at: datetime, days: int = 14) -> list[Day]:
    """Return the last `days` days up to today, each with its sums; days without a sale too."""
    today = day_in(zone, at)
    first = today - timedelta(days=days - 1)
    begins, _ = day_bounds(zone, first)
    local_day = cast(func.timezone(str(zone), Decision.at), Date)
    paid = Decision.outcome != "refused"
    rows = session.execute(
        select(
            local_day,
            func.count().filter(paid),
            func.coalesce(func.sum(Decision.approved_cents), 0),
            func.count().filter(~paid),
        )
        .where(Decision.id >= first_uuid7(begins))
        .group_by(local_day)
    )
    found = {day: Day(day, paid, int(cents), refused) for day, paid, cents, refused in rows}
    every_day = [first + timedelta(days=number) for number in range(days)]
    return [found.get(day, Day(day, 0, 0, 0)) for day in every_day]
