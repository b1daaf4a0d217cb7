"""The calendar of TARGET, against dates that the European Central Bank and almanacs publish."""

from datetime import date, timedelta

import pytest

from merchants.rails.target_days import easter_sunday, is_target_day, next_target_day

# Western Easter Sundays as published (the earliest and latest possible dates among them).
EASTERS = {
    1818: date(1818, 3, 22),
    1943: date(1943, 4, 25),
    2000: date(2000, 4, 23),
    2008: date(2008, 3, 23),
    2011: date(2011, 4, 24),
    2024: date(2024, 3, 31),
    2025: date(2025, 4, 20),
    2026: date(2026, 4, 5),
    2027: date(2027, 3, 28),
    2028: date(2028, 4, 16),
    2029: date(2029, 4, 1),
    2030: date(2030, 4, 21),
    2038: date(2038, 4, 25),
    2285: date(2285, 3, 22),
}

# TARGET closing days that fall on a weekday, as published for each year.
CLOSED = {
    2025: ("01-01", "04-18", "04-21", "05-01", "12-25", "12-26"),
    2026: ("01-01", "04-03", "04-06", "05-01", "12-25"),
    2027: ("01-01", "03-26", "03-29"),
}


@pytest.mark.parametrize(("year", "sunday"), EASTERS.items())
def test_easter_falls_on_its_published_date(year, sunday):
    assert easter_sunday(year) == sunday


@pytest.mark.parametrize("year", CLOSED)
def test_the_weekdays_without_payments_are_the_published_ones(year):
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    closed = [f"{day:%m-%d}" for day in days if day.weekday() < 5 and not is_target_day(day)]
    assert closed == list(CLOSED[year])


def test_no_weekend_is_a_payment_day():
    assert not is_target_day(date(2026, 11, 28))
    assert not is_target_day(date(2026, 11, 29))


def test_a_french_holiday_is_a_payment_day():
    assert is_target_day(date(2026, 7, 14))


@pytest.mark.parametrize(
    ("after", "following"),
    [
        (date(2026, 11, 24), date(2026, 11, 25)),
        (date(2026, 11, 27), date(2026, 11, 30)),
        (date(2026, 4, 2), date(2026, 4, 7)),
        (date(2026, 12, 24), date(2026, 12, 28)),
        (date(2026, 12, 31), date(2027, 1, 4)),
        (date(2026, 4, 30), date(2026, 5, 4)),
    ],
)
def test_the_next_payment_day_jumps_over_weekends_and_closing_days(after, following):
    assert next_target_day(after) == following
