"""`sesame ledger verify`: each invariant is seen broken, by a superuser with triggers off."""

import psycopg
import pytest

from ledger.verify import verify
from sesame.platform.ids import uuid7

BREAKAGES = {
    "transfers between accounts that exist": (
        "UPDATE ledger.transfer SET credit_account_id = %(stray)s WHERE kind = 'capture'"
    ),
    "one asset in each transfer": (
        "UPDATE ledger.account SET asset = 'TICKET' WHERE id = %(payable)s"
    ),
    "a kept balance for each guarded account, and for no other": (
        "DELETE FROM ledger.balance WHERE account_id = %(entitlement)s"
    ),
    "every kept balance equals the sum of its transfers": (
        "UPDATE ledger.balance SET balance = balance + 1 WHERE account_id = %(entitlement)s"
    ),
    "no guarded account below zero": (
        "ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_never_below_zero;"
        "UPDATE ledger.balance SET balance = -1"
    ),
    "every grant bears its funders' frozen shares": (
        "UPDATE ledger.account SET share_plan_id = NULL WHERE id = %(entitlement)s"
    ),
}


def test_an_honest_book_holds(book):
    book.capture(1_240)
    with book.database.sessions() as session:
        found = verify(session)
    assert found.holds
    assert (found.transfers, found.accounts) == (3, 4)


@pytest.mark.parametrize("invariant", BREAKAGES)
def test_a_broken_invariant_is_named(test_database, book, at, invariant):
    book.capture(1_240)
    values = {
        "stray": uuid7(at),
        "payable": book.payable,
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
