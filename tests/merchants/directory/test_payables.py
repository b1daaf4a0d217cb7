"""One ledger account for each payee and paying envelope, opened on first use."""

import threading
from uuid import uuid4

import psycopg
import pytest

from merchants.directory.payables import payable_account
from merchants.directory.reasons import PayeeUnknown
from sesame.platform.database import unit_of_work


def _accounts(test_database):
    with psycopg.connect(test_database.url()) as connection:
        return connection.execute(
            "SELECT a.id, a.kind, a.guarded FROM ledger.account a WHERE a.kind = 'payable'"
        ).fetchall()


def test_the_account_is_opened_once_and_unguarded(session, test_database, shop, at):
    envelope = uuid4()
    first = payable_account(session, shop.payee_id, envelope, at)
    assert payable_account(session, shop.payee_id, envelope, at) == first
    assert payable_account(session, shop.payee_id, uuid4(), at) != first
    session.commit()
    assert len(_accounts(test_database)) == 2
    assert (first, "payable", False) in _accounts(test_database)


def test_an_unknown_payee_opens_nothing(session, test_database, at):
    with pytest.raises(PayeeUnknown):
        payable_account(session, uuid4(), uuid4(), at)
    assert _accounts(test_database) == []


def test_two_first_sales_at_once_open_one_account(database, test_database, shop, at):
    envelope = uuid4()
    found = []
    with database.sessions() as first:
        opened = payable_account(first, shop.payee_id, envelope, at)

        def second_sale():
            with unit_of_work(database) as second:
                found.append(payable_account(second, shop.payee_id, envelope, at))

        waiting = threading.Thread(target=second_sale)
        waiting.start()
        _until_one_waits(test_database)
        first.commit()
        waiting.join(timeout=10)
    assert found == [opened]
    assert [row[0] for row in _accounts(test_database)] == [opened]


def _until_one_waits(test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        for _ in range(10_000):
            waiting = connection.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            if waiting[0]:
                return
    raise AssertionError("the second sale never waited for the first")


def test_a_payable_account_never_changes(session, test_database, shop, at):
    payable_account(session, shop.payee_id, uuid4(), at)
    session.commit()
    with (
        psycopg.connect(test_database.url("postgres")) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute("UPDATE merchants.payable_account SET payee_id = payee_id")
    assert refused.value.sqlstate == "SP001"
