"""The one source of "now". Rules never read it: they are given `at`."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """Return the present moment, timezone-aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time, UTC."""
        return datetime.now(UTC)


@dataclass
class MovableClock:
    """A clock that tests set and move; it stands still in between."""

    at: datetime
    _moves: int = field(default=0, repr=False)

    def now(self) -> datetime:
        """Return the moment it was last set to."""
        return self.at

    def advance(self, delta: timedelta) -> None:
        """Move the clock by `delta` (a negative one sets it back)."""
        self.at += delta


@dataclass(frozen=True)
class ShiftedClock:
    """The machine's clock moved by the number of seconds that a file holds.

    Only a demonstration scheme may use it (see `sesame.app`): it lets a month of sales be played
    through the same doors as real ones. The file is read each time, so that one process moves all.
    """

    file: Path

    def now(self) -> datetime:
        """Return the machine's time plus the file's seconds; without a file, the machine's time."""
        try:
            shift = int(self.file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            shift = 0
        return datetime.now(UTC) + timedelta(seconds=shift)


def day_in(zone: ZoneInfo, at: datetime) -> date:
    """Return the calendar day of `at` in the scheme's zone (both daylight-saving nights included)."""
    return at.astimezone(zone).date()


def day_bounds(zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return [start, end) in UTC of the calendar day `day` in `zone`; 23, 24 or 25 hours apart."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    next_day = day + timedelta(days=1)
    end = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)
