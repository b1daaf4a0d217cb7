"""Closed months, and what accounts held at any moment on either clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.closings import checkpoint_balances, close_books, closed_before, counts_when
from ledger.entitlements import expire
from ledger.reasons import PeriodClosed, PeriodNotOver
from ledger.statements.as_of import balances_as_of
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7
from sesame.platform.problems import Busy

PARIS = ZoneInfo("Europe/Paris")
NOVEMBER = datetime(2026, 11, 1, tzinfo=PARIS).astimezone(UTC)
BY = None


@pytest.fixture
def close(book, at):
    """Close the books before a moment, and keep the balances."""

    def do(before=NOVEMBER, *, when=at, keep=True):
        with unit_of_work(book.database) as session:
            close_books(session, before, zone=PARIS, by=BY, at=when)
        if keep:
            with unit_of_work(book.database) as session:
                return checkpoint_balances(session, before, at=when)
        return None

    return do


def test_nothing_counts_in_a_closed_month_any_more(book, close):
    close()
    just_before = NOVEMBER - timedelta(microseconds=1)
    for times in (1, 6):
        with pytest.raises(PeriodClosed):
            book.post(
                *[
                    book.transfer(book.entitlement, book.payable, 1, counts_at=just_before)
                    for _ in range(times)
                ]
            )
    with pytest.raises(PeriodClosed):
        with unit_of_work(book.database) as session:
            expire(
                session, [book.entitlement], correlation_id=uuid7(book.at),
                counts_at=just_before, at=book.at,
            )  # fmt: skip
    book.post(book.transfer(book.entitlement, book.payable, 1, counts_at=NOVEMBER))


def test_a_late_sale_keeps_its_date_and_counts_in_the_first_open_month(book, close):
    sold_at = NOVEMBER - timedelta(days=2)
    with book.database.sessions() as session:
        assert counts_when(session, sold_at) == sold_at
    close()
    with book.database.sessions() as session:
        assert counts_when(session, sold_at) == NOVEMBER == closed_before(session)
        assert counts_when(session, book.at) == book.at
    late = book.transfer(
        book.entitlement, book.payable, 1_000, counts_at=NOVEMBER, happened_at=sold_at
    )
    book.post(late)
    assert book.rows(
        "SELECT happened_at, counts_at FROM ledger.transfer WHERE id = %s", late.id
    ) == [(sold_at, NOVEMBER)]


@pytest.mark.parametrize(
    "before",
    [
        NOVEMBER + timedelta(days=1),
        datetime(2026, 12, 1, tzinfo=PARIS),
        datetime(2026, 11, 1, tzinfo=UTC),
    ],
    ids=["mid-month", "not over", "another zone's midnight"],
)
def test_only_whole_months_that_are_over_are_closed(book, close, before):
    with pytest.raises(PeriodNotOver):
        close(before)


def test_what_is_closed_is_not_closed_again_nor_opened(book, close):
    close()
    for before in (NOVEMBER, datetime(2026, 10, 1, tzinfo=PARIS)):
        with pytest.raises(PeriodClosed):
            close(before)


def test_closing_waits_for_a_posting_under_way_and_not_for_long(book, close):
    with book.database.sessions() as session:
        session.execute(
            text(
                "SELECT ledger.post_transfers(ARRAY[:id], ARRAY[:debit], ARRAY[:credit], ARRAY[1],"
                " ARRAY['capture'], ARRAY[:id], ARRAY[cast(:counts AS timestamptz)], :counts)"
            ),
            {
                "id": uuid7(book.at), "debit": book.entitlement, "credit": book.payable,
                "counts": NOVEMBER - timedelta(days=1),
            },
        )  # fmt: skip
        with pytest.raises(Busy):
            close()
        session.commit()
    close()
    assert book.summed(book.payable) == 1


def test_money_moves_in_read_committed_only(book):
    with book.database.sessions() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        with pytest.raises(DBAPIError) as refused:
            session.execute(
                text("SELECT ledger.expire(ARRAY[:id], :id, now(), now())"),
                {"id": book.entitlement},
            )
    assert refused.value.orig.sqlstate == "25001"


def test_balances_as_of_any_moment_are_the_sums_of_the_rows(book, close):
    moments = [NOVEMBER + timedelta(days=days) for days in (-40, -20, -1, 0, 3, 9)]
    for number, moment in enumerate(moments):
        book.post(
            book.transfer(book.entitlement, book.payable, 100 + number, counts_at=moment), at=moment
        )
    october = datetime(2026, 10, 1, tzinfo=PARIS).astimezone(UTC)
    expected = {}
    asked = [None, *moments, *(each + timedelta(seconds=1) for each in moments), book.at]
    accounts = [book.entitlement, book.payable, book.envelope, book.funding]

    def referee(account, counted, recorded):
        return book.rows(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %s THEN amount ELSE -amount END), 0)"
            " FROM ledger.transfer WHERE %s IN (credit_account_id, debit_account_id)"
            " AND (%s::timestamptz IS NULL OR counts_at < %s)"
            " AND (%s::timestamptz IS NULL OR recorded_at < %s)",
            account, account, counted, counted, recorded, recorded,
        )[0][0]  # fmt: skip

    def compare():
        with book.database.sessions() as session:
            for counted in asked:
                for recorded in asked:
                    found = balances_as_of(
                        session, accounts, counted_before=counted, recorded_before=recorded
                    )
                    assert found == {
                        account: referee(account, counted, recorded) for account in accounts
                    }
                    expected[(counted, recorded)] = found

    compare()
    before_closing = dict(expected)
    assert close(october, when=book.at) == 2
    assert close(NOVEMBER, when=book.at + timedelta(seconds=1)) == 2
    compare()
    assert expected == before_closing


def test_keeping_the_balances_again_keeps_nothing_more(book, close, at):
    book.post(book.transfer(book.entitlement, book.payable, 1, counts_at=NOVEMBER - timedelta(1)))
    assert close() == 2
    with unit_of_work(book.database) as session:
        assert checkpoint_balances(session, NOVEMBER, at=at) == 0
