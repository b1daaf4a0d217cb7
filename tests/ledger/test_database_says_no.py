"""Going around the code with plain SQL: the database refuses by itself."""

import psycopg
import pytest
from psycopg import errors

from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE, READER_ROLE
from sesame.platform.ids import uuid7

APPEND_ONLY = ["transfer", "account", "share_plan", "share", "idempotency"]
INSERT = (
    "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
    " correlation_id, counts_at, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, now(), now())"
)


def connect(test_database, role):
    return psycopg.connect(test_database.url(role), autocommit=True)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger.{} SET {} = {}", "DELETE FROM ledger.{}", "TRUNCATE ledger.{} CASCADE"],
)
def test_the_application_may_not_change_what_was_written(test_database, book, table, statement):
    book.capture(100)
    column = {"idempotency": "recorded_at", "share": "weight", "transfer": "amount"}.get(
        table, "created_at"
    )
    with (
        connect(test_database, APPLICATION_ROLE) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement.format(table, column, column))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.transfer SET amount = 1",
        "DELETE FROM ledger.transfer",
        "TRUNCATE ledger.transfer",
        "TRUNCATE ledger.transfer_2026",
        "UPDATE ledger.transfer_2026 SET amount = 1",
        "DELETE FROM ledger.transfer_2026",
        "DELETE FROM ledger.share",
        "UPDATE ledger.account SET guarded = guarded",
    ],
)
@pytest.mark.parametrize("role", [OWNER_ROLE, "postgres"])
def test_a_trigger_refuses_even_those_whom_grants_do_not_hold(test_database, book, role, statement):
    book.capture(100)
    with (
        connect(test_database, role) as connection,
        pytest.raises(psycopg.DatabaseError) as refused,
    ):
        connection.execute(statement)
    assert refused.value.sqlstate == "SP001"


def test_a_kept_balance_below_zero_is_refused(test_database, book):
    with connect(test_database, OWNER_ROLE) as connection:
        with pytest.raises(errors.CheckViolation, match="never_below_zero"):
            connection.execute("UPDATE ledger.balance SET balance = -1")


@pytest.mark.parametrize(("amount", "kind"), [(0, "capture"), (-5, "capture"), (5, "gift")])
def test_a_transfer_without_an_amount_or_of_no_kind_is_refused(
    test_database, book, at, amount, kind
):
    with (
        connect(test_database, APPLICATION_ROLE) as connection,
        pytest.raises(errors.CheckViolation),
    ):
        connection.execute(
            INSERT,
            [uuid7(at), book.entitlement, book.payable, amount, kind, uuid7(at)],
        )


def test_a_transfer_from_an_account_to_itself_is_refused(test_database, book, at):
    with connect(test_database, APPLICATION_ROLE) as connection:
        with pytest.raises(errors.CheckViolation, match="two_accounts"):
            connection.execute(
                INSERT, [uuid7(at), book.payable, book.payable, 5, "capture", uuid7(at)]
            )


def test_an_entitlement_without_a_guard_is_refused(test_database, at):
    with connect(test_database, APPLICATION_ROLE) as connection:
        with pytest.raises(errors.CheckViolation, match="entitlements_are_guarded"):
            connection.execute(
                "INSERT INTO ledger.account (id, asset, kind, guarded, created_at)"
                " VALUES (%s, 'EUR', 'entitlement', false, now())",
                [uuid7(at)],
            )


def test_the_reader_reads_and_writes_nothing(test_database, book):
    with connect(test_database, READER_ROLE) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.transfer").fetchone() == (2,)
        for statement in ("DELETE FROM ledger.balance", "UPDATE ledger.balance SET balance = 1"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


def test_nobody_else_may_even_connect(test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS somebody")
        connection.execute("CREATE ROLE somebody LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(
            test_database.url("somebody").replace(test_database.name, "template_sesame")
        )
