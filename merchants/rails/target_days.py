"""The days on which euro payments move between banks: the calendar of the Eurosystem's TARGET.

TARGET rests on Saturdays, Sundays, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December
(European Central Bank, long-term calendar decided on 14 December 2000). National holidays count for
nothing here: 14 July is a banking day.
"""

from datetime import date, timedelta

_FIXED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})
_SATURDAY = 5


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of `year` in the Gregorian calendar (the computus of Meeus and Butcher)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_shift + 15) % 30
    leaps, leap_rest = divmod(in_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - epact - leap_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_target_day(day: date) -> bool:
    """Tell whether TARGET works on `day`."""
    if day.weekday() >= _SATURDAY or (day.month, day.day) in _FIXED:
        return False
    from_easter = (day - easter_sunday(day.year)).days
    return from_easter not in (-2, 1)


def next_target_day(after: date) -> date:
    """Return the first TARGET day strictly after `after`."""
    day = after + timedelta(days=1)
    while not is_target_day(day):
        day += timedelta(days=1)
    return day
