"""Posting transfers. The referee is SQL of the test's own over the rows."""

import psycopg
import pytest

from ledger.accounts import open_account
from ledger.model import TRANSFER_KINDS
from ledger.reasons import (
    AmountOutOfRange,
    AssetMismatch,
    InsufficientBalance,
    MovementNotAllowed,
    TransferExists,
    TransferExistsDifferently,
    UnknownAccount,
)
from ledger.statements import balances, movements
from ledger.transfers import post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

ALONE = ("fund", "capture", "remit", "settle")


def summed(database, account_id):
    """The balance by the sign rule, out of the rows alone."""
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %(id)s THEN amount ELSE -amount END), 0)"
            " FROM ledger.transfer WHERE %(id)s IN (credit_account_id, debit_account_id)",
            {"id": account_id},
        ).fetchone()[0]


def kept(database, account_id):
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT balance FROM ledger.balance WHERE account_id = %s", [account_id]
        ).fetchone()[0]


def count(database):
    with psycopg.connect(database.url) as connection:
        return connection.execute("SELECT count(*) FROM ledger.transfer").fetchone()[0]


def test_a_capture_moves_money_from_the_entitlement_to_the_payable(book):
    book.capture(1_240)
    assert summed(book.database, book.entitlement) == kept(book.database, book.entitlement) == 5_760
    assert summed(book.database, book.payable) == 1_240


def test_a_whole_entitlement_can_be_spent_and_not_a_cent_more(book):
    book.capture(7_000)
    with pytest.raises(InsufficientBalance):
        book.capture(1)
    assert kept(book.database, book.entitlement) == 0


def test_a_linked_set_happens_all_or_none(book):
    before = count(book.database)
    with pytest.raises(InsufficientBalance):
        book.post(
            book.transfer(book.entitlement, book.payable, 3_000),
            book.transfer(book.entitlement, book.payable, 4_001),
        )
    assert count(book.database) == before
    assert kept(book.database, book.entitlement) == 7_000


def test_a_long_linked_set_happens_all_or_none_too(book):
    before = count(book.database)
    with pytest.raises(InsufficientBalance):
        book.post(*[book.transfer(book.entitlement, book.payable, 1_001) for _ in range(7)])
    assert count(book.database) == before
    book.post(*[book.transfer(book.entitlement, book.payable, 1_000) for _ in range(7)])
    assert count(book.database) == before + 7
    assert summed(book.database, book.entitlement) == kept(book.database, book.entitlement) == 0


@pytest.mark.parametrize("kind", [each for each in TRANSFER_KINDS if each not in ALONE])
def test_what_keeps_shares_or_takes_back_is_not_posted_by_itself(book, kind):
    with pytest.raises(MovementNotAllowed):
        book.post(book.transfer(book.entitlement, book.payable, 100, kind))


@pytest.mark.parametrize("kind", ["fund", "remit", "settle"])
@pytest.mark.parametrize("times", [1, 6])
def test_a_transfer_goes_the_way_of_its_kind_only(book, kind, times):
    before = count(book.database)
    with pytest.raises(MovementNotAllowed):
        book.post(*[book.transfer(book.entitlement, book.payable, 1, kind) for _ in range(times)])
    assert count(book.database) == before


@pytest.mark.parametrize("amount", [0, -1, 2**63, 2**53])
def test_an_amount_outside_the_range_is_refused(book, amount):
    with pytest.raises(AmountOutOfRange):
        book.capture(amount)


def test_an_unknown_account_is_refused_on_either_side(book, at):
    for debit, credit in ((uuid7(at), book.payable), (book.entitlement, uuid7(at))):
        with pytest.raises(UnknownAccount):
            book.post(book.transfer(debit, credit, 100))
    assert summed(book.database, book.payable) == 0


def test_two_assets_in_one_transfer_are_refused(book, at):
    with unit_of_work(book.database) as session:
        used = open_account(session, kind="used", guarded=False, at=at, asset="CINEMA_TICKET")
    for times in (1, 6):
        with pytest.raises(AssetMismatch):
            book.post(*[book.transfer(book.entitlement, used, 100) for _ in range(times)])


def test_the_same_transfer_again_is_told_apart_from_another_under_its_id(book):
    first = book.capture(500)
    with pytest.raises(TransferExists):
        book.post(first)
    with pytest.raises(TransferExistsDifferently):
        book.post(book.transfer(book.entitlement, book.payable, 501, id=first.id))
    assert kept(book.database, book.entitlement) == 6_500


def test_a_refused_set_leaves_the_unit_of_work_usable(book, at):
    with unit_of_work(book.database) as session:
        with pytest.raises(InsufficientBalance):
            post(session, [book.transfer(book.entitlement, book.payable, 7_001)], at=at)
        post(session, [book.transfer(book.entitlement, book.payable, 7_000)], at=at)
    assert kept(book.database, book.entitlement) == 0


def test_nothing_to_post_posts_nothing(book):
    before = count(book.database)
    book.post()
    assert count(book.database) == before


def test_statements_read_what_was_posted(book):
    first, second = book.capture(100), book.capture(250)
    with book.database.sessions() as session:
        assert balances(session, [book.payable, book.entitlement]) == {
            book.payable: 350,
            book.entitlement: 6_650,
        }
        assert {row.id for row in movements(session, [book.payable])} == {first.id, second.id}
        assert movements(session, [book.payable], before=book.at) == []


def test_transfers_are_stored_in_the_partition_of_their_year(book):
    book.capture(100)
    with psycopg.connect(book.database.url) as connection:
        tables = connection.execute(
            "SELECT DISTINCT tableoid::regclass::text FROM ledger.transfer"
        ).fetchall()
    assert tables == [("ledger.transfer_2026",)]


def test_years_ahead_have_their_partitions_and_what_comes_after_is_kept(book, at):
    last = at.year + 5
    for year in (last, last + 20):
        moment = at.replace(year=year)
        book.capture(10, at=moment)
    assert book.rows(
        "SELECT tableoid::regclass::text FROM ledger.transfer WHERE kind = 'capture' ORDER BY id"
    ) == [(f"ledger.transfer_{last}",), ("ledger.transfer_other",)]
