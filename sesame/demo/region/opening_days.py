"""The days on which the invented shops are open: Mondays to Saturdays but public holidays."""

from collections.abc import Iterator
from datetime import date, timedelta

_SUNDAY = 6


def public_holidays(year: int) -> frozenset[date]:
    """Return the eleven public holidays of a year in mainland France (Code du travail, L3133-1)."""
    easter = _easter(year)
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    return frozenset(date(year, month, day) for month, day in fixed) | frozenset(
        # Easter Monday, Ascension, Whit Monday.
        easter + timedelta(days=days)
        for days in (1, 39, 50)
    )


def opening_days(first_day: date, days: int) -> Iterator[date]:
    """Yield, in order, the opening days among `days` days from `first_day` on."""
    for offset in range(days):
        day = first_day + timedelta(days=offset)
        if day.weekday() != _SUNDAY and day not in public_holidays(day.year):
            yield day


def _easter(year: int) -> date:
    """Return Easter Sunday in the Gregorian calendar (Meeus, Astronomical Algorithms, ch. 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    lunar = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * lunar) // 451
    month, day = divmod(h + lunar - 7 * m + 114, 31)
    return date(year, month, day + 1)
