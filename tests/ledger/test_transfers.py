"""Posting transfers. The referee is SQL of the test's own over the rows."""

import psycopg
import pytest

from ledger.accounts import open_account
from ledger.reasons import (
    AmountOutOfRange,
    AssetMismatch,
    InsufficientBalance,
    TransferExists,
    TransferExistsDifferently,
    UnknownAccount,
)
from ledger.statements import balances, movements
from ledger.transfers import post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


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


def test_a_linked_set_is_judged_by_its_net_effect_on_each_account(book):
    book.post(
        book.transfer(book.envelope, book.entitlement, 2_000, "grant"),
        book.transfer(book.entitlement, book.payable, 9_000),
    )
    assert kept(book.database, book.entitlement) == 0


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
        tickets = open_account(session, kind="payable", guarded=False, at=at, asset="CINEMA_TICKET")
    with pytest.raises(AssetMismatch):
        book.post(book.transfer(book.entitlement, tickets, 100))


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
