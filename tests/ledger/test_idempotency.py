"""A retry is normal: one key, one outcome, whoever asks and however often."""

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import psycopg
import pytest

from ledger.idempotency import claim, content_hash, find
from ledger.reasons import InsufficientBalance
from ledger.transfers import Posting, post_batch, post_keyed
from sesame.platform.database import unit_of_work
from sesame.platform.problems import IdempotencyConflict, SesameError

HASH = content_hash(b"the same")
OTHER = content_hash(b"something else")
CLIENTS = 50


def at_once(work, clients=CLIENTS, database=None):
    """Run `work(number, connection)` for each client, over threads that start together.

    Connections are made before the start (none without a database). Gives what each returned or raised.
    """
    start = threading.Barrier(clients)
    told = [None] * clients

    def run(number):
        with client(database) if database else nullcontext() as connection:
            start.wait(30)
            try:
                told[number] = work(number, connection)
            except Exception as failure:
                told[number] = failure

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


@contextmanager
def client(test_database):
    with psycopg.connect(test_database.url(), autocommit=True) as connection:
        yield connection


def posting(book, key, *amounts, content=HASH, **more):
    debit = more.get("debit", book.entitlement)
    return Posting(
        scope="test",
        key=key,
        content_hash=content,
        transfers=[book.transfer(debit, book.payable, amount) for amount in amounts],
    )


def spent(book):
    return book.summed(book.payable)


def test_a_free_key_is_claimed_and_the_same_content_gets_the_first_answer(database, at):
    with unit_of_work(database) as session:
        assert claim(session, "test", "key-00000001", HASH, {"answer": 1}, at=at) is None
    with unit_of_work(database) as session:
        assert claim(session, "test", "key-00000001", HASH, {"answer": 2}, at=at) == {"answer": 1}
        assert find(session, "test", "key-00000001").outcome_for(HASH) == {"answer": 1}


def test_another_content_under_the_same_key_is_a_conflict(database, at):
    with unit_of_work(database) as session:
        claim(session, "test", "key-00000001", HASH, {}, at=at)
        with pytest.raises(IdempotencyConflict):
            claim(session, "test", "key-00000001", OTHER, {}, at=at)


def test_the_same_key_in_another_scope_is_another_key(database, at):
    with unit_of_work(database) as session:
        assert claim(session, "one", "key-00000001", HASH, {}, at=at) is None
        assert claim(session, "two", "key-00000001", HASH, {}, at=at) is None


def test_what_was_rolled_back_was_never_claimed(database, at):
    with database.sessions() as session:
        claim(session, "test", "key-00000001", HASH, {}, at=at)
        session.rollback()
        assert find(session, "test", "key-00000001") is None


def test_fifty_claims_at_once_give_one_claim_and_forty_nine_equal_answers(database, at):
    def ask(number, _connection):
        with unit_of_work(database) as session:
            return claim(session, "test", "key-00000001", HASH, {"by": number}, at=at)

    told = at_once(ask)
    winners = [number for number, got in enumerate(told) if got is None]
    assert len(winners) == 1
    assert [got for got in told if got is not None] == [{"by": winners[0]}] * (CLIENTS - 1)


def test_the_parts_of_a_content_are_told_apart():
    assert content_hash(b"ab", b"c") != content_hash(b"a", b"bc")


@pytest.mark.parametrize(("amount", "answer", "moved"), [(500, None, 500), (7_001, "refused", 0)])
def test_fifty_clients_with_one_key_get_one_transfer_and_fifty_equal_answers(
    test_database, book, at, amount, answer, moved
):
    asked = posting(book, "key-00000001", amount)

    def buy(_number, connection):
        try:
            return post_keyed(connection, asked, at=at)
        except InsufficientBalance:
            return "refused"

    assert at_once(buy, database=test_database) == [answer] * CLIENTS
    assert spent(book) == moved


def test_fifty_clients_with_one_key_each_in_a_batch_get_one_transfer(test_database, book, at):
    asked = posting(book, "key-00000001", 500)

    def buy(number, connection):
        beside = posting(book, f"key-1{number:07}", 1)
        batch = [beside, asked] if number % 2 else [asked, beside]
        return post_batch(connection, batch, at=at)

    assert at_once(buy, database=test_database) == [["posted", "posted"]] * CLIENTS
    assert spent(book) == 500 + CLIENTS


def test_one_by_one_and_in_a_batch_the_same_key_at_once_is_one_transfer(test_database, book, at):
    """The two ways take their locks in one order: neither dies of the other."""
    asked = [posting(book, f"key-0000000{number}", 10) for number in range(5)]

    def buy(number, connection):
        for turn in range(10):
            if number % 2:
                post_keyed(connection, asked[turn % 5], at=at)
            else:
                told = post_batch(connection, asked[:: 1 - number % 4], at=at)
                assert set(told) == {"posted"}
        return "done"

    assert at_once(buy, 8, test_database) == ["done"] * 8
    assert spent(book) == 50


def test_the_same_key_with_other_content_conflicts_at_once_too(test_database, book, at):
    """Of fifty who want fifty different things under one key, one has it."""

    def buy(number, connection):
        asked = posting(book, "key-00000001", 1 + number, content=bytes([number]))
        try:
            post_keyed(connection, asked, at=at)
        except IdempotencyConflict:
            return None
        return 1 + number

    told = [each for each in at_once(buy, database=test_database) if each is not None]
    assert len(told) == 1
    assert spent(book) == told[0]


def test_a_key_reused_with_other_content_is_refused_and_moves_nothing(test_database, book, at):
    with client(test_database) as connection:
        post_keyed(connection, posting(book, "key-00000001", 500), at=at)
        other = posting(book, "key-00000001", 500, content=OTHER)
        with pytest.raises(IdempotencyConflict) as refused:
            post_keyed(connection, other, at=at)
        assert refused.value.reason.code == "idempotency_conflict"
        assert post_batch(connection, [other], at=at) == ["idempotency_conflict"]
    assert spent(book) == 500


def test_a_refusal_is_kept_even_when_money_came_meanwhile(test_database, book, at):
    asked = posting(book, "key-00000001", 7_001)
    with client(test_database) as connection:
        for _ in range(2):
            with pytest.raises(InsufficientBalance):
                post_keyed(connection, asked, at=at)
            assert post_batch(connection, [asked], at=at) == ["insufficient_balance"]
    assert spent(book) == 0


def test_in_a_batch_each_item_has_its_own_outcome(test_database, book, at):
    """Approved, refused, twice the same, twice differently, unknown: side by side, in any batch."""
    good, again = posting(book, "key-00000001", 1_000), posting(book, "key-00000002", 2_000)
    batch = [
        good,
        posting(book, "key-00000003", 7_001),
        again,
        replace(again),
        replace(again, content_hash=OTHER),
        posting(book, "key-00000004", 10, debit=book.payable),
        posting(book, "key-00000005", 3_000, 1_001),
        posting(book, "key-00000006", 3_000, 1_000),
        posting(book, "key-00000007", 1),
    ]
    expected = [
        "posted",
        "insufficient_balance",
        "posted",
        "posted",
        "idempotency_conflict",
        "movement_not_allowed",
        "insufficient_balance",
        "posted",
        "insufficient_balance",
    ]
    with client(test_database) as connection:
        assert post_batch(connection, batch, at=at) == expected
        assert post_batch(connection, batch, at=at) == expected
        assert post_batch(connection, [batch[2], batch[1], batch[0]], at=at) == [
            "posted", "insufficient_balance", "posted"
        ]  # fmt: skip
    assert spent(book) == 7_000
    assert book.kept(book.entitlement) == (0, 0)


def test_two_batches_that_want_one_key_for_different_things_spoil_nobody_elses_item(
    test_database, book, at
):
    other_envelope = book.open("payable")

    def buy(number, connection):
        shared = Posting(
            "test", "key-00000001", bytes([number]),
            [book.transfer(book.payable if number else other_envelope, book.transit, 5, "remit")],
        )  # fmt: skip
        return post_batch(connection, [posting(book, f"key-1{number:07}", 7), shared], at=at)

    book.transit = book.open("in_transit")
    for turn in at_once(buy, 8, test_database):
        assert not isinstance(turn, Exception), turn
        assert turn[0] == "posted"
        assert turn[1] in ("posted", "idempotency_conflict")
    assert book.summed(book.transit) == 5
    assert book.rows("SELECT count(*) FROM ledger.transfer WHERE amount = 7")[0] == (8,)


def test_an_item_that_cannot_even_be_asked_stops_the_batch_before_anything_moves(
    test_database, book, at
):
    with client(test_database) as connection, pytest.raises(SesameError) as refused:
        batch = [posting(book, "key-00000001", 5), posting(book, "key-00000002", 2**63)]
        post_batch(connection, batch, at=at)
    assert refused.value.reason.code == "amount_out_of_range"
    assert spent(book) == 0


def test_an_empty_batch_has_no_outcome(test_database, at):
    with client(test_database) as connection:
        assert post_batch(connection, [], at=at) == []
