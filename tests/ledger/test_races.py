"""Races are shown, then closed: what overspends without the guards, and never with them.

Each client has its connection before the start, and all start together.
"""

import threading
from datetime import timedelta

import psycopg
import pytest

from ledger.closings import close_books
from ledger.corrections import refund
from ledger.entitlements import expire, regrant
from ledger.holds import NewHold, capture_hold, lapse_holds, reserve, void_hold
from ledger.reasons import (
    CorrectsTooMuch,
    HoldEnded,
    HoldLapsed,
    InsufficientBalance,
    NothingToCorrect,
    PeriodClosed,
)
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE
from sesame.platform.ids import uuid7
from sesame.platform.problems import Busy, SesameError
from tests.ledger.model.requests.posting import PARIS

BUYERS = 200
CONNECTIONS = 40
PRICE = 100

# What a careless program does: read, decide, write. As the owner, whom no grant holds back.
UNGUARDED = """
CREATE FUNCTION ledger.capture_unguarded(p_id uuid, p_debit uuid, p_credit uuid, p_amount bigint)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE v_left bigint;
BEGIN
    SELECT balance INTO v_left FROM ledger.balance WHERE account_id = p_debit;
    IF v_left < p_amount THEN RETURN false; END IF;
    PERFORM pg_sleep(0.002);
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    VALUES (p_id, p_debit, p_credit, p_amount, 'capture', p_id, '2026-11-24', '2026-11-24');
    UPDATE ledger.balance SET balance = v_left - p_amount WHERE account_id = p_debit;
    RETURN true;
END $$;
CREATE FUNCTION ledger.refund_unguarded(p_id uuid, p_capture uuid, p_amount bigint)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE v_capture ledger.transfer; v_back bigint;
BEGIN
    SELECT * INTO v_capture FROM ledger.transfer WHERE id = p_capture;
    SELECT coalesce(sum(amount), 0) INTO v_back FROM ledger.transfer WHERE corrects_id = p_capture;
    IF v_back + p_amount > v_capture.amount THEN RETURN false; END IF;
    PERFORM pg_sleep(0.05);
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, corrects_id, counts_at, recorded_at)
    VALUES (p_id, v_capture.credit_account_id, v_capture.debit_account_id, p_amount, 'refund', p_id,
            p_capture, '2026-11-24', '2026-11-24');
    UPDATE ledger.balance SET balance = balance + p_amount
     WHERE account_id = v_capture.debit_account_id;
    RETURN true;
END $$;
"""


def at_once(work, clients):
    """Run `work(number)` for each client, or each of `work`, in threads that start together.

    Gives what each returned or raised.
    """
    start = threading.Barrier(clients)
    told = [None] * clients

    def run(number):
        start.wait(30)
        try:
            told[number] = work(number) if callable(work) else work[number]()
        except Exception as failure:
            told[number] = failure

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return told


def all_buyers(work):
    """Run `work(number)` for every buyer, over a few dozen threads that start together."""

    def run(first):
        return [work(number) for number in range(first, BUYERS, CONNECTIONS)]

    told = at_once(run, CONNECTIONS)
    assert not [each for each in told if isinstance(each, Exception)]
    return [each for some in told for each in some]


@pytest.fixture
def careless(test_database):
    """The database with functions that read, decide and write; returns what calls one of them."""
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as connection:
        connection.execute(UNGUARDED)
        for name in ("capture_unguarded", "refund_unguarded"):
            connection.execute(f"GRANT EXECUTE ON FUNCTION ledger.{name} TO {APPLICATION_ROLE}")

    def call(name, *values):
        marks = ", ".join(["%s"] * len(values))
        with psycopg.connect(test_database.url(), autocommit=True) as connection:
            return connection.execute(f"SELECT ledger.{name}({marks})", values).fetchone()[0]

    return call


def outcome(work):
    """What a client is told: the error's class, or what came back."""
    try:
        return work() or "done"
    except SesameError as refused:
        return type(refused)


def test_without_the_guard_two_hundred_purchases_overspend(book, at, careless):
    all_buyers(
        lambda _: careless("capture_unguarded", uuid7(at), book.entitlement, book.payable, PRICE)
    )
    assert book.summed(book.payable) > 7_000


def test_with_it_two_hundred_purchases_take_seventy_euros_and_no_more(book):
    told = all_buyers(lambda _: outcome(lambda: book.capture(PRICE) and "bought"))
    assert book.summed(book.payable) == 7_000
    assert (told.count("bought"), told.count(InsufficientBalance)) == (70, 130)


def test_without_the_limit_two_refunds_at_once_give_back_more_than_was_paid(book, at, careless):
    capture = book.capture(1_000)
    told = at_once(lambda _: careless("refund_unguarded", uuid7(at), capture.id, 700), 2)
    assert told == [True, True]
    assert book.summed(book.payable) == -400


@pytest.mark.parametrize("to_funders", [False, True])
def test_with_it_one_of_two_refunds_at_once_is_refused(book, at, to_funders):
    capture = book.capture(1_000)

    def give_back(_number):
        with unit_of_work(book.database) as session:
            refund(
                session, capture.id, 700, refund_id=uuid7(at), correlation_id=uuid7(at),
                counts_at=at, at=at, to_funders=to_funders,
            )  # fmt: skip

    told = at_once(lambda number: outcome(lambda: give_back(number)), 2)
    assert sorted(map(str, told)) == sorted(map(str, ["done", CorrectsTooMuch]))
    assert book.summed(book.payable) == 300


def held(book, at, amount=7_000, *, hours=1):
    """A hold of the whole entitlement; its id."""
    hold = NewHold(
        uuid7(at), book.entitlement, book.payable, amount, at + timedelta(hours=hours), uuid7(at)
    )
    with unit_of_work(book.database) as session:
        reserve(session, [hold], at=at)
    return hold.id


def on_hold(book, what, *values, **more):
    def do():
        with unit_of_work(book.database) as session:
            what(session, *values, **more)

    return lambda: outcome(do)


def test_a_hold_is_captured_or_voided_and_never_both(book, at):
    for _ in range(10):
        before, hold = book.summed(book.payable), held(book, at, 100)
        capture = on_hold(book, capture_hold, hold, 100, transfer_id=uuid7(at), counts_at=at, at=at)
        told = at_once([capture, on_hold(book, void_hold, hold, at=at)], 2)
        assert sorted(map(str, told)) == sorted(map(str, ["done", HoldEnded]))
        assert book.summed(book.payable) - before == (100 if told[0] == "done" else 0)
        assert book.kept(book.entitlement)[1] == 0


@pytest.mark.parametrize("in_time", [True, False])
def test_capture_purchase_and_lapse_at_one_instant_never_spend_a_cent_twice(book, at, in_time):
    """The hold keeps all there is. At the moment it lapses, money is the capture's or the buyer's."""
    lapses_at = at + timedelta(hours=1)
    hold = held(book, at)
    captured_at = lapses_at - timedelta(microseconds=1) if in_time else lapses_at
    told = at_once(
        [
            on_hold(book, capture_hold, hold, 7_000, transfer_id=uuid7(at), counts_at=at,
                    at=captured_at),
            lambda: outcome(lambda: book.capture(7_000, at=lapses_at) and "bought"),
            on_hold(book, lapse_holds, at=lapses_at),
        ],
        3,
    )  # fmt: skip
    assert told[2] == "done"
    assert sorted(map(str, told[:2])) in (
        sorted(map(str, ["done", InsufficientBalance])), sorted(map(str, [HoldLapsed, "bought"]))
    )  # fmt: skip
    if not in_time:
        assert told[0] is HoldLapsed
    assert book.summed(book.payable) == 7_000
    assert book.kept(book.entitlement) == (0, 0)


def test_closing_waits_for_an_open_posting_and_posting_waits_for_closing(book, at):
    """Whoever posts first counts in the month; whoever comes after the closing is told."""
    november = at.replace(month=12, day=1, hour=0) - timedelta(hours=1)
    later = at + timedelta(days=20)
    late = NewTransfer(uuid7(at), book.entitlement, book.payable, 100, "capture", uuid7(at), at)
    with book.database.sessions() as posting:
        post(posting, [late], at=at)
        with unit_of_work(book.database) as closing, pytest.raises(Busy):
            close_books(closing, november, zone=PARIS, by=None, at=later)
        posting.commit()
    with book.database.sessions() as closing:
        close_books(closing, november, zone=PARIS, by=None, at=later)
        blocked = threading.Event()

        def buy():
            blocked.set()
            return book.capture(50)

        told = []
        buyer = threading.Thread(target=lambda: told.append(outcome(buy)))
        buyer.start()
        blocked.wait(10)
        wait_until_somebody_waits(book)
        assert told == []
        closing.commit()
        buyer.join(30)
    assert told == [PeriodClosed]
    assert book.summed(book.payable) == 100


def wait_until_somebody_waits(book):
    """Return once a transaction of this database waits for a lock."""
    with psycopg.connect(book.database.url, autocommit=True) as connection:
        for _ in range(10_000):
            waiting = connection.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE NOT l.granted AND d.datname = current_database()"
            ).fetchone()[0]
            if waiting:
                return
    raise AssertionError("nobody waits")


def test_expiry_against_a_purchase_leaves_every_cent_in_one_place(book, at):
    """Again and again: what had expired comes back, and both reach for it."""
    times = {"correlation_id": uuid7(at), "counts_at": at, "at": at}
    left = 7_000
    for _ in range(12):
        paid, kept = book.summed(book.payable), book.summed(book.envelope)
        bought, expired = at_once(
            [
                lambda: outcome(lambda: book.capture(10) and "bought"),
                on_hold(book, expire, [book.entitlement], **times),
            ],
            2,
        )
        assert expired == "done"
        assert bought in ("bought", InsufficientBalance)
        taken = 10 if bought == "bought" else 0
        assert book.summed(book.payable) - paid == taken
        assert book.summed(book.envelope) - kept == left - taken
        assert book.kept(book.entitlement) == (0, 0)
        left -= taken
        assert on_hold(book, regrant, book.entitlement, left, **times)() == "done"


def test_two_hundred_expiries_and_regrants_in_two_connections_never_deadlock(book, at):
    """Both touch entitlement and envelope: each takes the entitlement first."""

    def alternate(number):
        told = []
        for turn in range(100):
            what, rest = (
                (expire, ([book.entitlement],)) if (turn + number) % 2
                else (regrant, (book.entitlement, 1 + turn))
            )  # fmt: skip
            told.append(on_hold(book, what, *rest, correlation_id=uuid7(at), counts_at=at, at=at)())
        return told

    told = at_once(alternate, 2)
    assert not [each for each in told if isinstance(each, Exception)]
    assert {each for some in told for each in some} <= {"done", NothingToCorrect, CorrectsTooMuch}
    assert sum(each == "done" for some in told for each in some) >= 100
    assert sum(map(book.summed, (book.funding, book.envelope, book.entitlement))) == 0
