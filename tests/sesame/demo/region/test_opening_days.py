"""Opening days, against calendars as they were printed."""

from datetime import date

import pytest

from sesame.demo.region.opening_days import opening_days, public_holidays


@pytest.mark.parametrize(
    ("year", "moving"),
    [
        (2024, [date(2024, 4, 1), date(2024, 5, 9), date(2024, 5, 20)]),
        (2026, [date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25)]),
        (2027, [date(2027, 3, 29), date(2027, 5, 6), date(2027, 5, 17)]),
        (2038, [date(2038, 4, 26), date(2038, 6, 3), date(2038, 6, 14)]),
    ],
)
def test_moving_holidays_fall_where_the_calendar_says(year: int, moving: list[date]) -> None:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    expected = {date(year, month, day) for month, day in fixed} | set(moving)
    assert public_holidays(year) == expected


def test_november_2026_has_24_opening_days() -> None:
    days = list(opening_days(date(2026, 11, 1), 30))
    assert len(days) == 24
    assert date(2026, 11, 11) not in days
    assert not [day for day in days if day.weekday() == 6]


def test_no_days_give_none() -> None:
    assert list(opening_days(date(2026, 11, 2), 0)) == []
