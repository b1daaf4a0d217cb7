"""What can't be gets its own code, and changes nothing: every table is the same before and after."""

from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest

from ledger.closings import close_books
from ledger.corrections import cancel, refund
from ledger.holds import NewHold, capture_hold, reserve
from ledger.transfers import Posting, post_batch, post_keyed
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7
from sesame.platform.problems import SesameError
from tests.ledger.model.requests.posting import PARIS
from tests.ledger.one_of_each import ROWS, VIEWS


def state(book):
    """A hash of each table of the ledger."""
    return book.rows(
        " UNION ALL ".join(
            f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ledger.{table} t"
            for table in (*ROWS, *VIEWS)
        )
        + " ORDER BY 1"
    )


@pytest.fixture
def capture(book, at):
    """A book with a purchase, a hold of 1,000, a key that was used, and October closed."""
    captured = book.capture(2_000)
    with unit_of_work(book.database) as session:
        book.hold = NewHold(
            uuid7(at),
            book.entitlement,
            book.payable,
            1_000,
            at + timedelta(hours=1),
            uuid7(at),
            True,
        )
        reserve(session, [book.hold], at=at)
        close_books(
            session, at.replace(day=1, hour=0) - timedelta(hours=1), zone=PARIS, by=None, at=at
        )
    with psycopg.connect(book.database.url, autocommit=True) as connection:
        post_keyed(connection, posting(book, 1), at=at)
    return captured


def posting(book, amount, content=b"content"):
    transfer = book.transfer(book.entitlement, book.payable, amount)
    return Posting("test", "key-00000001", content, [transfer])


def refuse(book, code, work):
    """Do `work(session)`; it must be refused with this code and leave every table as it was."""
    before = state(book)
    with pytest.raises(SesameError) as refused, unit_of_work(book.database) as session:
        work(session)
    assert refused.value.reason.code == code
    assert state(book) == before


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_an_unknown_account(book, capture, at, side):
    pair = {"debit": book.entitlement, "credit": book.payable} | {side: uuid7(at)}
    refuse(book, "unknown_account", lambda _: book.post(book.transfer(**pair, amount=5)))


def test_another_asset(book, capture):
    tickets = book.open("used", asset="CINEMA_TICKET")
    refuse(book, "asset_mismatch", lambda _: book.post(book.transfer(book.entitlement, tickets, 5)))


@pytest.mark.parametrize("amount", [0, -1, 2**53, 2**63, 2**64])
def test_an_amount_that_cannot_be(book, capture, at, amount):
    more = {"counts_at": at, "at": at}
    for work in (
        lambda _: book.capture(amount),
        lambda session: capture_hold(session, book.hold.id, amount, transfer_id=uuid7(at), **more),
        lambda session: refund(
            session, capture.id, amount, refund_id=uuid7(at), correlation_id=uuid7(at), **more
        ),
        lambda session: reserve(
            session,
            [
                NewHold(
                    uuid7(at), book.entitlement, book.payable, amount, at + timedelta(1), uuid7(at)
                )
            ],
            at=at,
        ),
    ):
        refuse(book, "amount_out_of_range", work)


@pytest.mark.parametrize("amount", ["0", "-1", "9223372036854775808"])
def test_an_amount_that_cannot_be_moves_nothing_behind_python_either(book, capture, at, amount):
    """Whoever has the application's password alone calls the functions by hand."""
    before = state(book)
    one = f"'{uuid7(at)}'"
    when = f"'{at.isoformat()}'"
    for call in (
        f"post_transfers(ARRAY[{one}]::uuid[], ARRAY['{book.entitlement}']::uuid[],"
        f" ARRAY['{book.payable}']::uuid[], ARRAY[{amount}]::bigint[], ARRAY['capture'],"
        f" ARRAY[{one}]::uuid[], ARRAY[{when}]::timestamptz[], {when})",
        f"capture_hold('{book.hold.id}', {amount}, {one}, {when}, {when}, NULL)",
        f"give_back('{capture.id}', {amount}, 'refund', {one}, {one}, false, {when}, {when}, NULL)",
        f"give_back('{capture.id}', {amount}, 'refund', {one}, {one}, true, {when}, {when}, NULL)",
        f"withdraw('{book.entitlement}', {amount}, {one}, {when}, {when})",
        f"reserve(ARRAY[{one}]::uuid[], ARRAY['{book.entitlement}']::uuid[],"
        f" ARRAY['{book.payable}']::uuid[], ARRAY[{amount}]::bigint[],"
        f" ARRAY['2027-01-01Z']::timestamptz[], ARRAY[{one}]::uuid[], ARRAY[false], {when})",
    ):
        with psycopg.connect(book.database.url, autocommit=True) as connection:
            with suppress(psycopg.DatabaseError):
                connection.execute(f"SELECT ledger.{call}")
            assert state(book) == before, call


def test_a_key_reused_with_other_content(book, capture, at):
    before = state(book)
    with psycopg.connect(book.database.url, autocommit=True) as connection:
        with pytest.raises(SesameError) as refused:
            post_keyed(connection, posting(book, 2, b"other"), at=at)
        assert refused.value.reason.code == "idempotency_conflict"
        assert post_batch(connection, [posting(book, 2, b"other")], at=at) == [
            "idempotency_conflict"
        ]
    assert state(book) == before


def test_an_id_reused_with_other_content(book, capture):
    again = book.transfer(book.entitlement, book.payable, 2_001, id=capture.id)
    refuse(book, "transfer_exists_differently", lambda _: book.post(again))


@pytest.mark.parametrize("amount", [1_001, 7_000])
def test_a_capture_above_the_hold(book, capture, at, amount):
    refuse(
        book,
        "hold_exceeded",
        lambda session: capture_hold(
            session, book.hold.id, amount, transfer_id=uuid7(at), counts_at=at, at=at
        ),
    )


def test_a_capture_of_a_hold_that_lapsed_and_of_one_that_never_was(book, capture, at):
    late = at + timedelta(hours=1)
    for hold, code in ((book.hold.id, "hold_lapsed"), (uuid7(at), "hold_unknown")):
        refuse(
            book,
            code,
            lambda session, hold=hold: capture_hold(
                session, hold, 5, transfer_id=uuid7(at), counts_at=late, at=late
            ),
        )


@pytest.mark.parametrize("to_funders", [False, True])
def test_a_refund_or_cancellation_above_the_capture(book, capture, at, to_funders):
    more = {"correlation_id": uuid7(at), "counts_at": at, "at": at, "to_funders": to_funders}
    for work in (
        lambda session: refund(session, capture.id, 2_001, refund_id=uuid7(at), **more),
        lambda session: cancel(session, capture.id, 2_001, cancellation_id=uuid7(at), **more),
    ):
        refuse(book, "corrects_too_much", work)


def test_a_refund_of_what_is_no_capture(book, capture, at):
    (grant,) = book.rows("SELECT id FROM ledger.transfer WHERE kind = 'grant'")[0]
    for named in (grant, uuid7(at)):
        refuse(
            book,
            "nothing_to_correct",
            lambda session, named=named: refund(
                session,
                named,
                5,
                refund_id=uuid7(at),
                correlation_id=uuid7(at),
                counts_at=at,
                at=at,
            ),
        )


def test_a_date_in_a_closed_month(book, capture, at):
    closed = {"counts_at": at.replace(month=10), "at": at}
    for work in (
        lambda _: book.capture(5, counts_at=closed["counts_at"]),
        lambda session: capture_hold(session, book.hold.id, 5, transfer_id=uuid7(at), **closed),
        lambda session: refund(
            session, capture.id, 5, refund_id=uuid7(at), correlation_id=uuid7(at), **closed
        ),
    ):
        refuse(book, "period_closed", work)


def test_more_than_there_is(book, capture):
    refuse(book, "insufficient_balance", lambda _: book.capture(4_000))
