"""The SQL that a purchase calls: the state in one answer, and the counters of the caps."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from cardsvc.programmes.publishing import publish
from sesame.platform.database import unit_of_work

DAY = "2026-11-24"
SEASON_END = datetime(2027, 5, 31, 22, 0, tzinfo=UTC)


@pytest.fixture
def holder(region, rules, database, at, content):
    """Someone with two entitlements of 70.00 € and 20.00 €."""
    region.funder()
    region.fund(100_000)
    person = region.person(status="lyceen", grade="premiere")
    lines = [
        content["lines"][0],
        {**content["lines"][0], "id": "lecture", "amount": "20.00", "categories": ["books"]},
    ]
    with unit_of_work(database) as session:
        publish(session, rules(lines=lines), by=None, at=at)
    return person


def use(*uses):
    names = ("cap_key", "period", "amount_cents", "limit_cents")
    return json.dumps([dict(zip(names, each, strict=True)) for each in uses])


COUNT = "SELECT cardsvc.count_uses(%s, %s, %s, %s, %s)"


def counted(holder, *uses):
    """The arguments of `count_uses` for one person's uses."""
    keys, periods, amounts, limits = zip(*uses, strict=True)
    return [[holder] * len(uses), list(periods), list(keys), list(amounts), list(limits)]


def count(region, holder, *uses):
    region.sql(COUNT, *counted(holder, *uses))


def passed(region, holder, *uses):
    return region.one("SELECT cardsvc.caps_passed(%s, %s, %s, %s, %s)", *counted(holder, *uses))


def state(region, person, at, *day):
    places = ", %s" * len(day)
    return region.one(f"SELECT cardsvc.entitlement_state(%s, %s{places})", person, at, *day)


def used(region):
    return region.sql(
        "SELECT cap_key, period, used_cents FROM cardsvc.cap_usage ORDER BY cap_key, period"
    )


def test_the_state_holds_each_entitlement_in_the_order_of_spending(region, holder, at):
    found = state(region, holder, at, DAY)
    assert [
        (each["line"], each["balance_cents"], each["priority"]) for each in found["entitlements"]
    ] == [
        ("manuels", 7000, 10_000),
        ("lecture", 2000, 10_001),
    ]
    assert found["usage"] == []
    [row] = region.sql(
        "SELECT id::text, account_id::text, programme_version_id::text, paying_envelope_id::text"
        " FROM cardsvc.entitlement WHERE line = 'manuels'"
    )
    first = found["entitlements"][0]
    assert row == (
        first["id"],
        first["account_id"],
        first["programme_version_id"],
        first["paying_envelope_id"],
    )
    assert datetime.fromisoformat(first["valid_until"]) == SEASON_END


def test_someone_without_entitlements_has_an_empty_state(region, at):
    person = region.person()
    assert state(region, person, at, DAY) == {"entitlements": [], "usage": []}


def test_an_entitlement_is_told_for_sixty_days_after_its_end(region, holder):
    shortly = SEASON_END + timedelta(days=59)
    assert len(state(region, holder, shortly, "2027-07-29")["entitlements"]) == 2
    later = SEASON_END + timedelta(days=60)
    assert state(region, holder, later, "2027-07-30")["entitlements"] == []


def test_the_state_tells_the_counters_of_the_day_and_of_the_season(region, holder, at):
    uses = [("a", DAY, 100, 500), ("a", "2026-11-23", 200, 500), ("b", "season", 300, 500)]
    count(region, holder, *uses)
    assert state(region, holder, at, DAY)["usage"] == [
        {"cap_key": "a", "period": DAY, "used_cents": 100},
        {"cap_key": "b", "period": "season", "used_cents": 300},
    ]
    assert len(state(region, holder, at)["usage"]) == 3


def test_a_counter_goes_up_to_its_limit_and_no_further(region, holder):
    count(region, holder, ("a", DAY, 300, 500))
    count(region, holder, ("a", DAY, 200, 500))
    with pytest.raises(psycopg.errors.DatabaseError) as refused:
        count(region, holder, ("b", DAY, 1, 500), ("a", DAY, 1, 500))
    assert refused.value.sqlstate == "SE002"
    assert used(region) == [("a", DAY, 500)]


def test_who_would_pass_a_cap_is_told_before_anything_is_counted(region, holder):
    count(region, holder, ("a", DAY, 300, 500))
    assert passed(region, holder, ("a", DAY, 200, 500), ("b", DAY, 500, 500)) == []
    assert passed(region, holder, ("a", DAY, 201, 500)) == [holder]
    assert passed(region, holder, ("b", DAY, 501, 500)) == [holder]
    assert used(region) == [("a", DAY, 300)]


def test_nothing_to_give_back_gives_nothing_back(region, holder):
    region.sql("SELECT cardsvc.give_back_caps(%s, NULL)", holder)
    assert used(region) == []


def test_a_counter_is_given_back_in_its_own_period(region, holder):
    uses = [("a", DAY, 300, 500), ("a", "season", 300, 500)]
    count(region, holder, *uses)
    region.sql("SELECT cardsvc.give_back_caps(%s, %s)", holder, use(("a", DAY, 100, 500)))
    assert used(region) == [("a", DAY, 200), ("a", "season", 300)]


def test_more_than_was_used_is_never_given_back(region, holder):
    count(region, holder, ("a", DAY, 300, 500))
    with pytest.raises(psycopg.errors.DatabaseError) as refused:
        region.sql(
            "SELECT cardsvc.give_back_caps(%s, %s)",
            holder,
            use(("a", DAY, 200, 500), ("b", DAY, 1, 500)),
        )
    assert refused.value.sqlstate == "SE003"
    assert used(region) == [("a", DAY, 300)]


def test_two_purchases_at_once_never_pass_a_limit_together(region, holder):
    """Both counted before either commits: the second waits, then sees the first's use."""
    asked = counted(holder, ("a", DAY, 300, 500))
    with psycopg.connect(region.url) as one, psycopg.connect(region.url) as two:
        one.execute(COUNT, asked)
        two.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            two.execute(COUNT, asked)
        two.rollback()
        one.commit()
        with pytest.raises(psycopg.errors.DatabaseError) as refused:
            two.execute(COUNT, asked)
        assert refused.value.sqlstate == "SE002"
    assert used(region) == [("a", DAY, 300)]
