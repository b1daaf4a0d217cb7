"""Moments as people type them: a day, or a day and an hour, in the scheme's zone unless it says."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ledger.statements.reasons import MomentInvalid


def parse_moment(typed: str, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) of "2026-09-01" (its first instant), "2026-09-01T08:00" or
    "2026-09-01T08:00+02:00". Raises `MomentInvalid`.
    """
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise MomentInvalid(typed=typed[:40]) from None
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return local.astimezone(UTC)


def year_of(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moment of a year in the scheme's zone, and of the next (UTC)."""
    first, after = (datetime(each, 1, 1, tzinfo=zone).astimezone(UTC) for each in (year, year + 1))
    return first, after
