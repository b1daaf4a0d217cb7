"""An envelope's life adds up to the cent, month by month, whatever was sold, refunded and closed."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from ledger.closings import close_books
from ledger.entitlements import expire
from ledger.reading.envelope import forecast, keep_closed_months, life, payments, shares_with
from ledger.reading.reasons import AccountUnknown
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

SEPTEMBER = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)


def half_up(value):
    return int(value + Fraction(1, 2))


def region_part(cents):
    return half_up(Fraction(cents * 60, 100))


def read(database, envelope, zone, at):
    with database.sessions() as session:
        return life(session, envelope, zone=zone, at=at)


def sell_at_random(books, seed, days):
    """Sell, and refund some of it, over `days`; return what each card had spent by each month."""
    chance = random.Random(seed)
    spent, by_month, sales = defaultdict(int), defaultdict(lambda: defaultdict(int)), []
    for _ in range(60):
        when = SEPTEMBER + timedelta(days=4 + chance.randrange(days))
        card, amount = chance.choice(books.cards), chance.randrange(1, 250)
        if sales and chance.random() < 0.25:
            sale, card, bought, left = sales.pop(chance.randrange(len(sales)))
            back = chance.randrange(1, left + 1)
            when = max(bought, when)
            books.refund(sale, back, to_funders=chance.random() < 0.5, counts_at=when)
            amount = -back
        else:
            sales.append((books.sell(card, amount, when), card, when, amount))
        spent[card] += amount
        by_month[(when.year, when.month)][card] += amount
    return by_month


def test_parts_of_the_spending_sum_to_the_cent_month_by_month(books, database, scheme, at):
    by_month = sell_at_random(books, 4, 70)
    of = read(database, books.region, scheme.zone, at)
    other = read(database, books.department, scheme.zone, at)
    so_far, expected = defaultdict(int), {}
    for month in sorted(by_month):
        before = sum(region_part(cents) for cents in so_far.values())
        for card, cents in by_month[month].items():
            so_far[card] += cents
        expected[month] = sum(region_part(cents) for cents in so_far.values()) - before
    local = [month.since.astimezone(scheme.zone) for month in of.months]
    assert [(each.year, each.month) for each in local] == [(2026, 9), (2026, 10), (2026, 11)]
    found = {
        (each.year, each.month): month.spent for each, month in zip(local, of.months, strict=True)
    }
    assert found == {month: expected.get(month, 0) for month in found}
    net = sum(so_far.values())
    assert of.total.spent + other.total.spent == net
    balance = "SELECT balance FROM ledger.balance WHERE account_id = %s"
    assert of.total.left == books.value(balance, books.region)
    assert other.total.left == books.value(balance, books.department)
    cards = "SELECT sum(balance) FROM ledger.balance WHERE account_id = ANY (%s)"
    assert of.total.on_cards + other.total.on_cards == books.value(cards, books.cards)


def test_closed_months_are_kept_once_and_read_the_same(books, database, scheme, at):
    sell_at_random(books, 9, 70)
    before = read(database, books.region, scheme.zone, at)
    november = datetime(2026, 11, 1, tzinfo=scheme.zone)
    with unit_of_work(database) as session:
        close_books(session, november, zone=scheme.zone, by=None, at=at)
    for kept in (4, 0):
        with unit_of_work(database) as session:
            assert keep_closed_months(session, zone=scheme.zone, at=at) == kept
    again = read(database, books.region, scheme.zone, at)
    assert (again.months, again.total) == (before.months, before.total)
    assert books.value("SELECT count(*) FROM ledger.envelope_month") == 4
    books.sell(books.cards[0], 300)
    now = read(database, books.region, scheme.zone, at)
    assert now.months[:2] == before.months[:2]
    assert now.total.spent - before.total.spent in (179, 180, 181)


def test_what_expires_comes_back_in_its_shares(books, database, scheme, at):
    books.sell(books.cards[0], 2_501)
    with unit_of_work(database) as session:
        expire(session, books.cards, correlation_id=uuid7(at), counts_at=at, at=at)
    of = read(database, books.region, scheme.zone, at).total
    assert (of.granted, of.spent, of.on_cards) == (12_000, 1_501, 0)
    assert of.expired == 12_000 - 1_501
    assert of.left == 100_000 - 1_501


def test_the_forecast_holds_the_pace_of_four_weeks_against_the_seasons_end(
    books, database, scheme, at
):
    books.sell(books.cards[0], 2_800, at - timedelta(days=5))
    books.sell(books.cards[1], 2_800, at - timedelta(days=40))
    of = read(database, books.region, scheme.zone, at)
    last_day = (at + timedelta(days=10)).date()
    told = forecast(of, last_day=last_day, zone=scheme.zone, at=at)
    assert told.pace_cents_a_day == 1_680 // 28
    assert told.lasts_until == (at + timedelta(days=(12_000 - 3_360) // 60)).date()
    assert told.unspent_cents == 12_000 - 3_360 - 10 * 60
    still = forecast(read(database, books.department, scheme.zone, at + timedelta(days=60)),
                     last_day=None, zone=scheme.zone, at=at + timedelta(days=60))  # fmt: skip
    assert (still.pace_cents_a_day, still.lasts_until, still.unspent_cents) == (0, None, None)


def test_what_is_owed_ordered_and_paid(books, database, at):
    books.sell(books.cards[0], 5_000)
    first, second = uuid7(at), uuid7(at)
    books.move("remit", books.payable, books.transit, 3_000, correlation=first)
    books.move("remit", books.payable, books.transit, 1_200, correlation=second)
    books.move("settle", books.transit, books.bank, 3_000, correlation=first)
    with database.sessions() as session:
        found = payments(session, [books.payable])
        assert (found.owed, found.in_transit, found.paid) == (800, 1_200, 3_000)
        nothing = payments(session, [])
        assert (nothing.owed, nothing.in_transit, nothing.paid) == (0, 0, 0)


def test_the_other_funders_are_known_by_the_shared_plan(books, database):
    with database.sessions() as session:
        assert shares_with(session, books.region) == [books.department]
        assert shares_with(session, books.payable) == []


def test_only_an_envelope_has_a_life(books, database, scheme, at):
    for other in (books.payable, uuid7(at)):
        with pytest.raises(AccountUnknown):
            read(database, other, scheme.zone, at)


def test_an_empty_envelope_has_one_month_of_nothing(books, database, scheme, at):
    empty = books.open("envelope", guarded=True)
    of = read(database, empty, scheme.zone, at)
    assert [(each.funded, each.spent) for each in of.months] == [(0, 0)]
    assert (of.total.left, of.held) == (0, 0)
