"""Two hundred purchases at once on one entitlement of 70 €: shown overspending without the guard,
then never with it."""

import threading

import psycopg

from ledger.reasons import InsufficientBalance
from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE
from sesame.platform.ids import uuid7

BUYERS = 200
CONNECTIONS = 40
PRICE = 100

UNGUARDED = """
CREATE FUNCTION ledger.capture_unguarded(p_id uuid, p_debit uuid, p_credit uuid, p_amount bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_left bigint;
BEGIN
    -- What a careless program does: read, decide, write.
    SELECT balance INTO v_left FROM ledger.balance WHERE account_id = p_debit;
    IF v_left < p_amount THEN RETURN false; END IF;
    PERFORM pg_sleep(0.002);
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    VALUES (p_id, p_debit, p_credit, p_amount, 'capture', p_id, '2026-11-24', '2026-11-24');
    UPDATE ledger.balance SET balance = v_left - p_amount WHERE account_id = p_debit;
    RETURN true;
END $$;
"""


def at_once(work):
    """Run `work(number)` for every buyer, over a few dozen threads that start together."""
    start = threading.Barrier(CONNECTIONS)
    failures = []

    def run(first):
        start.wait()
        for number in range(first, BUYERS, CONNECTIONS):
            try:
                work(number)
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def taken(test_database, book):
    with psycopg.connect(test_database.url()) as connection:
        return connection.execute(
            "SELECT coalesce(sum(amount), 0) FROM ledger.transfer WHERE credit_account_id = %s",
            [book.payable],
        ).fetchone()[0]


def test_without_the_guard_two_hundred_purchases_overspend(test_database, book, at):
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as connection:
        connection.execute(UNGUARDED)
        connection.execute(
            f"GRANT EXECUTE ON FUNCTION ledger.capture_unguarded TO {APPLICATION_ROLE}"
        )

    def buy(_number):
        with psycopg.connect(test_database.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT ledger.capture_unguarded(%s, %s, %s, %s)",
                [uuid7(at), book.entitlement, book.payable, PRICE],
            )

    at_once(buy)
    assert taken(test_database, book) > 7_000


def test_with_it_two_hundred_purchases_take_seventy_euros_and_no_more(test_database, book):
    outcomes = []

    def buy(_number):
        try:
            book.capture(PRICE)
        except InsufficientBalance:
            outcomes.append(False)
        else:
            outcomes.append(True)

    at_once(buy)
    assert taken(test_database, book) == 7_000
    assert (outcomes.count(True), outcomes.count(False)) == (70, 130)


def test_transfers_that_cross_in_opposite_directions_do_not_deadlock(test_database, book, at):
    from ledger.accounts import open_account
    from sesame.platform.database import unit_of_work

    with unit_of_work(book.database) as session:
        other = open_account(session, kind="envelope", guarded=True, at=at)
    book.post(book.transfer(book.envelope, other, 50_000, "fund"))

    def cross(number):
        there, back = (book.envelope, other) if number % 2 else (other, book.envelope)
        book.post(book.transfer(there, back, 1, "fund"))

    at_once(cross)
    with psycopg.connect(test_database.url()) as connection:
        both = connection.execute(
            "SELECT sum(balance) FROM ledger.balance WHERE account_id = ANY(%s)",
            [[book.envelope, other]],
        ).fetchone()[0]
    assert both == 93_000
