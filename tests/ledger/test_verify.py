"""`sesame ledger verify`: each invariant is seen broken, by a superuser with triggers off."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ledger.accounts import create_share_plan
from ledger.closings import checkpoint_balances, close_books
from ledger.corrections import refund
from ledger.entitlements import expire
from ledger.grants import post_ticket_grants
from ledger.holds import NewHold, reserve, void_hold
from ledger.transfers import NewTransfer, post
from ledger.verify import INVARIANTS, verify
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

BREAKAGES = {
    "transfers between accounts that exist": (
        "UPDATE ledger.transfer SET credit_account_id = %(stray)s WHERE kind = 'capture'"
    ),
    "one asset in each transfer": (
        "ALTER TABLE ledger.account DROP CONSTRAINT ck_account_euro_kinds;"
        "UPDATE ledger.account SET asset = 'TICKET' WHERE id = %(funding)s"
    ),
    "a kept balance for each guarded account, and for no other": (
        "DELETE FROM ledger.balance WHERE account_id = %(entitlement)s"
    ),
    "every kept balance equals the sum of its transfers": (
        "UPDATE ledger.balance SET balance = balance + 1 WHERE account_id = %(entitlement)s"
    ),
    "no guarded account below its floor": (
        "ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_never_below_floor;"
        "UPDATE ledger.balance SET balance = -1"
    ),
    "what is held equals what the open holds keep": (
        "UPDATE ledger.balance SET held = 3 WHERE balance > 3"
    ),
    "every hold's captures are transfers": "UPDATE ledger.hold SET captured = 1",
    "each transfer goes the way of its kind": (
        "UPDATE ledger.transfer SET kind = 'settle' WHERE kind = 'capture'"
    ),
    "nothing is taken back that was not moved": (
        "UPDATE ledger.transfer SET corrects_id = NULL WHERE kind = 'refund'"
    ),
    "no transfer is taken back beyond its amount": (
        "UPDATE ledger.transfer SET amount = 1241 WHERE kind = 'refund'"
    ),
    "every funder has contributed its frozen share": (
        "UPDATE ledger.share SET envelope_id = %(stray)s"
    ),
    "every ticket is backed by its face value": (
        "UPDATE ledger.balance SET balance = balance - 1 WHERE account_id IN"
        " (SELECT id FROM ledger.account WHERE kind = 'backing')"
    ),
    "nothing was counted in a closed period": (
        "UPDATE ledger.transfer SET counts_at = timestamptz '2026-10-31 12:00+00'"
        " WHERE kind = 'capture'"
    ),
    "every balance kept at a closing equals the sum of what counts before it": (
        "UPDATE ledger.balance_checkpoint SET balance = balance + 1"
    ),
}
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def lived_in(book, at):
    """The book after a sale, a refund, a hold, tickets, a closing and an end of season."""
    november = datetime(2026, 11, 1, tzinfo=PARIS).astimezone(UTC)
    long_ago = datetime(2026, 10, 2, 9, 0, tzinfo=UTC)
    with unit_of_work(book.database) as session:
        fund = NewTransfer(
            uuid7(at), book.funding, book.envelope, 5_000, "fund", uuid7(at), long_ago
        )
        post(session, [fund], at=long_ago)
        close_books(session, november, zone=PARIS, by=None, at=long_ago + timedelta(days=31))
    capture = book.capture(1_240)
    dated = {"correlation_id": uuid7(at), "counts_at": at, "at": at}
    with unit_of_work(book.database) as session:
        checkpoint_balances(session, november, at=at)
        refund(session, capture.id, 240, refund_id=uuid7(at), **dated)
        hold = NewHold(
            uuid7(at), book.entitlement, book.payable, 500, at + timedelta(hours=1), uuid7(at)
        )
        reserve(session, [hold], at=at)
        void_hold(session, hold.id, at=at)
        plan = create_share_plan(session, [(book.envelope, 1)], at=at)
        post_ticket_grants(
            session, [uuid7(at)], [uuid7(at)], [2], asset="CINEMA", unit_cents=700,
            share_plan_id=plan, **dated,
        )  # fmt: skip
        expire(session, [book.entitlement], **dated)
    return book


def test_every_invariant_has_its_breakage():
    assert set(BREAKAGES) == set(INVARIANTS)


def test_an_honest_book_holds(lived_in):
    with lived_in.database.sessions() as session:
        found = verify(session)
    assert found.holds, [each for each in found.findings if each.broken]
    assert (found.transfers, found.accounts) == (8, 7)


@pytest.mark.parametrize("invariant", BREAKAGES)
def test_a_broken_invariant_is_named(test_database, lived_in, at, invariant):
    book = lived_in
    values = {
        "stray": uuid7(at),
        "funding": book.funding,
        "entitlement": book.entitlement,
    }
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in BREAKAGES[invariant].split(";"):
            connection.execute(
                statement, {k: v for k, v in values.items() if f"({k})" in statement}
            )
    with book.database.sessions() as session:
        found = verify(session)
    assert not found.holds
    broken = {finding.invariant for finding in found.findings if finding.broken}
    assert invariant in broken
