"""A threshold warns once for each crossing, and again only after the balance had risen above it."""

from datetime import timedelta

import psycopg
import pytest

from ledger.jobs import watch_envelopes
from ledger.reasons import UnknownAccount
from ledger.thresholds import crossings, notice_thresholds, set_threshold, threshold_of, warned
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


def notice(database, at):
    with unit_of_work(database) as session:
        return notice_thresholds(session, at=at)


def put(database, envelope, below, at):
    with unit_of_work(database) as session:
        set_threshold(session, envelope, below, by=None, at=at)


def rows(books):
    found = books.rows.execute(
        "SELECT below_cents, balance_cents FROM ledger.threshold_warning ORDER BY noticed_at"
    )
    return found.fetchall()


def test_one_warning_for_each_crossing(books, database, at):
    put(database, books.region, 85_000, at)
    assert rows(books) == []
    books.grant(10_000, 10_000)
    later = [at + timedelta(minutes=minute) for minute in range(1, 8)]
    assert notice(database, later[0]) == 1
    books.grant(1_000)
    assert notice(database, later[1]) == 0
    books.fund(books.region, 20_000)
    assert notice(database, later[2]) == 1
    assert notice(database, later[3]) == 0
    books.grant(30_000)
    assert notice(database, later[4]) == 1
    assert rows(books) == [(85_000, 76_000), (85_000, 95_400), (85_000, 77_400)]
    with database.sessions() as session:
        (now,) = warned(session)
        assert (now.account_id, now.balance_cents) == (books.region, 77_400)
        assert [each.balance_cents for each in crossings(session, books.region, 2)] == [
            77_400, 95_400,
        ]  # fmt: skip


def test_at_the_threshold_is_not_below_it(books, database, at):
    put(database, books.region, 88_000, at)
    assert rows(books) == []
    put(database, books.region, 88_001, at)
    assert rows(books) == [(88_001, 88_000)]


def test_a_threshold_taken_away_warns_no_more(books, database, at):
    put(database, books.region, 90_000, at)
    put(database, books.region, None, at)
    with database.sessions() as session:
        assert threshold_of(session, books.region) is None
        assert warned(session) == []
    assert notice(database, at + timedelta(hours=1)) == 0


def test_only_an_envelope_has_a_threshold(books, database, at):
    for other in (books.payable, books.cards[0], uuid7(at)):
        with pytest.raises(UnknownAccount):
            put(database, other, 10, at)
    assert books.value("SELECT count(*) FROM ledger.threshold") == 0


@pytest.mark.parametrize("below", [0, -1])
def test_a_threshold_is_above_zero(books, below, at):
    with pytest.raises(psycopg.errors.CheckViolation):
        books.rows.execute(
            "SELECT ledger.set_threshold(%s, %s, NULL, %s)", (books.region, below, at)
        )


@pytest.mark.parametrize("table", ["threshold", "threshold_warning", "envelope_month"])
def test_what_was_set_and_noticed_stays(books, owner, table):
    for change in (f"DELETE FROM ledger.{table}", f"TRUNCATE ledger.{table}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books.rows.execute(change)
    with pytest.raises(psycopg.Error, match="append"):
        owner.execute(f"TRUNCATE ledger.{table}")


def test_the_watch_notices_by_itself(books, database, at):
    put(database, books.region, 85_000, at)
    books.grant(10_000, 10_000)
    with unit_of_work(database) as session:
        watch_envelopes(session, at)
        watch_envelopes(session, at)
    assert len(rows(books)) == 1
