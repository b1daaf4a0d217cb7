"""Granting to many, by several funders, to the cent."""

from datetime import UTC, datetime
from fractions import Fraction

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.accounts import create_share_plan, open_account
from ledger.grants import post_grants
from ledger.reasons import AmountOutOfRange, InsufficientBalance
from ledger.transfers import NewTransfer, post
from sesame.platform.database import Database, unit_of_work
from sesame.platform.ids import uuid7

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def funded(session, at, amount):
    funding = open_account(session, kind="funding", guarded=False, at=at)
    envelope = open_account(session, kind="envelope", guarded=True, at=at)
    post(session, [NewTransfer(uuid7(at), funding, envelope, amount, "fund", uuid7(at), at)], at=at)
    return envelope


def grant(session, at, plan, amounts):
    accounts = [uuid7(at) for _ in amounts]
    total = post_grants(
        session,
        accounts,
        amounts,
        share_plan_id=plan,
        correlation_id=uuid7(at),
        counts_at=at,
        at=at,
    )
    return accounts, total


def test_sixty_and_forty_per_cent_are_taken_from_two_envelopes(database, at):
    with unit_of_work(database) as session:
        region, department = funded(session, at, 10_000), funded(session, at, 10_000)
        plan = create_share_plan(session, [(region, 60), (department, 40)], at=at)
        accounts, total = grant(session, at, plan, [2_501, 2_500])
    assert total == 5_001
    with psycopg.connect(database.url) as connection:
        left = dict(connection.execute("SELECT account_id, balance FROM ledger.balance").fetchall())
        parts = connection.execute(
            "SELECT debit_account_id, amount FROM ledger.transfer WHERE credit_account_id = %s",
            [accounts[0]],
        ).fetchall()
    # 60 % of 25.01 € is 15.006 €, rounded to 15.01 €; the department bears the rest.
    assert sorted(parts, key=lambda part: -part[1]) == [(region, 1_501), (department, 1_000)]
    assert (left[accounts[0]], left[accounts[1]]) == (2_501, 2_500)
    assert (left[region], left[department]) == (10_000 - 3_001, 10_000 - 2_000)


def test_an_envelope_that_holds_too_little_grants_nothing(database, at):
    with unit_of_work(database) as session:
        envelope = funded(session, at, 9_999)
        plan = create_share_plan(session, [(envelope, 1)], at=at)
        with pytest.raises(InsufficientBalance):
            grant(session, at, plan, [5_000, 5_000])
    with psycopg.connect(database.url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM ledger.account WHERE kind = 'entitlement'"
        ).fetchone() == (0,)
        assert connection.execute("SELECT balance FROM ledger.balance").fetchall() == [(9_999,)]


@pytest.mark.parametrize("amount", [0, -100])
def test_nothing_or_less_can_not_be_granted(database, at, amount):
    with unit_of_work(database) as session:
        plan = create_share_plan(session, [(funded(session, at, 100), 1)], at=at)
        with pytest.raises(AmountOutOfRange):
            grant(session, at, plan, [amount])


@pytest.fixture(scope="module")
def shared_database(make_database):
    opened = Database(make_database().url())
    yield opened
    opened.dispose()


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 997), min_size=1, max_size=5),
    amounts=st.lists(st.integers(1, 10_000_000), min_size=1, max_size=20),
)
def test_parts_sum_to_the_amount_and_stay_close_to_the_share(shared_database, weights, amounts):
    with unit_of_work(shared_database) as session:
        envelopes = [funded(session, AT, 10**12) for _ in weights]
        plan = create_share_plan(session, list(zip(envelopes, weights, strict=True)), at=AT)
        accounts, total = grant(session, AT, plan, amounts)
    assert total == sum(amounts)
    with psycopg.connect(shared_database.url) as connection:
        rows = connection.execute(
            "SELECT credit_account_id, debit_account_id, amount FROM ledger.transfer"
            " WHERE credit_account_id = ANY(%s)",
            [accounts],
        ).fetchall()
    for account, amount in zip(accounts, amounts, strict=True):
        parts = {envelope: part for credited, envelope, part in rows if credited == account}
        assert sum(parts.values()) == amount
        for envelope, weight in zip(envelopes, weights, strict=True):
            exact = Fraction(amount * weight, sum(weights))
            # Half a cent for each funder that rounds before it: what it costs never to drift.
            assert abs(parts.get(envelope, 0) - exact) <= Fraction(len(weights), 2)
