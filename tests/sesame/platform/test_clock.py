"""Days in the scheme's zone, both daylight-saving nights included; who may move the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from sesame.platform.clock import ShiftedClock, SystemClock, day_bounds, day_in
from sesame.platform.command import clock_for
from sesame.platform.database import unit_of_work
from sesame.platform.settings import SettingInvalid, Settings

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("day", "hours", "start"),
    [
        (date(2026, 3, 29), 23, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 10, 25), 25, datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 11, 24), 24, datetime(2026, 11, 23, 23, tzinfo=UTC)),
    ],
)
def test_a_day_has_the_hours_that_it_has(day, hours, start):
    begin, end = day_bounds(PARIS, day)
    assert (begin, end - begin) == (start, timedelta(hours=hours))
    assert day_bounds(PARIS, day + timedelta(days=1))[0] == end
    assert day_in(PARIS, begin) == day
    assert day_in(PARIS, end - timedelta(microseconds=1)) == day
    assert day_in(PARIS, end) == day + timedelta(days=1)


def test_every_hour_of_the_autumn_night_is_of_the_same_day():
    begin, end = day_bounds(PARIS, date(2026, 10, 25))
    hours = int((end - begin) / timedelta(hours=1))
    assert {day_in(PARIS, begin + timedelta(hours=n)) for n in range(hours)} == {date(2026, 10, 25)}


def test_postgresql_agrees_about_the_bounds_of_every_day_of_the_year(session):
    asked = text(
        "SELECT d::date, (d::date)::timestamp AT TIME ZONE 'Europe/Paris' "
        "FROM generate_series(date '2026-01-01', date '2026-12-31', interval '1 day') AS d"
    )
    for day, start in session.execute(asked):
        assert day_bounds(PARIS, day)[0] == start


def test_a_shift_is_read_anew_each_time_and_a_broken_file_moves_nothing(tmp_path):
    file = tmp_path / "clock"
    shifted = ShiftedClock(file)

    def off() -> float:
        return abs((shifted.now() - SystemClock().now()).total_seconds())

    assert off() < 5
    file.write_text("-86400")
    assert abs(off() - 86400) < 5
    file.write_text("tomorrow")
    assert off() < 5


@pytest.mark.parametrize("kind", ["production", "demonstration", None])
def test_only_a_demonstration_moves_its_clock(database, scheme, tmp_path, kind):
    with unit_of_work(database) as session:
        if kind:
            session.execute(text("UPDATE platform.scheme SET kind = :kind"), {"kind": kind})
        else:
            session.execute(text("DELETE FROM platform.scheme"))
    moved = Settings(data_dir=tmp_path, clock_file=tmp_path / "clock")
    if kind == "production":
        with pytest.raises(SettingInvalid, match="SESAME_CLOCK_FILE"):
            clock_for(moved, database)
    else:
        wanted = ShiftedClock if kind else SystemClock
        assert isinstance(clock_for(moved, database), wanted)
    assert isinstance(clock_for(Settings(data_dir=tmp_path), database), SystemClock)
