"""Several connections at once: a sale that commits late, two drafts, two approvals."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.draft import draft_run
from merchants.reimbursements.reasons import NothingToPay, RunNotDraft
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.problems import SesameError


@pytest.fixture
def envelope(region):
    return region.envelope(region.funder())


@pytest.fixture
def another_connection(test_database):
    with psycopg.connect(test_database.url(OWNER_ROLE)) as connection:
        yield connection


def wait_until_someone_waits(region, how_many=1):
    """Return once that many sessions wait for a lock: seen in the server, never guessed at."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        waiting = region.value(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if waiting >= how_many:
            return
    raise AssertionError("nobody waits")


def test_a_sale_held_open_across_the_cutoff_is_paid_in_the_next_run_once(
    region, envelope, draft, approve, another_connection, at
):
    shop, cutoff = region.payee(), at - timedelta(hours=9)
    early = region.sale(shop, envelope, 100, counts_at=cutoff - timedelta(hours=1))
    held_open = region.sale(
        shop, envelope, 40, counts_at=cutoff - timedelta(hours=2), through=another_connection
    )
    late = region.sale(shop, envelope, 7, counts_at=cutoff - timedelta(minutes=1))
    first = draft(cutoff_at=cutoff)
    assert sorted(region.claimed()) == sorted([early, late])
    another_connection.commit()
    approve(first)
    second = draft(cutoff_at=cutoff)
    approve(second)
    lines = "SELECT run_id, transfer_id, amount_cents FROM merchants.run_line"
    assert sorted(region.rows(lines)) == sorted(
        [(first, early, 100), (first, late, 7), (second, held_open, 40)]
    )
    assert region.balance(region.payable(shop, envelope)) == 0
    with pytest.raises(NothingToPay):
        draft(cutoff_at=cutoff)


def test_of_two_drafts_at_once_the_second_waits_and_claims_what_is_left(
    region, envelope, database, officer, at
):
    shop = region.payee()
    first_sale = region.sale(shop, envelope, 100)
    claimed, go_on = threading.Event(), threading.Event()

    def first():
        with unit_of_work(database) as session:
            run_id = draft_run(session, paying_funder="region", cutoff_at=at, by=officer, at=at)
            claimed.set()
            assert go_on.wait(30)
            return run_id

    def second():
        with unit_of_work(database) as session:
            return draft_run(session, paying_funder="region", cutoff_at=at, by=officer, at=at)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert claimed.wait(30)
        second_sale = region.sale(shop, envelope, 40)
        two = pool.submit(second)
        wait_until_someone_waits(region)
        go_on.set()
        runs = [one.result(30), two.result(30)]
    assert sorted(region.rows("SELECT run_id, transfer_id FROM merchants.run_line")) == sorted(
        [(runs[0], first_sale), (runs[1], second_sale)]
    )


def test_without_the_wait_the_second_draft_is_refused_by_the_table(
    region, envelope, database, officer, at, monkeypatch
):
    """The guard removed: both see the same unclaimed sale, and the table lets one claim it."""
    monkeypatch.setattr(
        "merchants.reimbursements.draft._ONE_DRAFT_AT_A_TIME", text("SELECT CAST(:payer AS text)")
    )
    region.connection.execute(
        "INSERT INTO merchants.transit_account VALUES ('region', %s)",
        (region.account("in_transit"),),
    )
    region.sale(region.payee(), envelope, 100)
    claimed, go_on = threading.Event(), threading.Event()

    def prepare(first):
        try:
            with unit_of_work(database) as session:
                draft_run(session, paying_funder="region", cutoff_at=at, by=officer, at=at)
                if first:
                    claimed.set()
                    assert go_on.wait(30)
        except Exception as refusal:
            return getattr(getattr(refusal, "orig", None), "sqlstate", repr(refusal))
        return "drafted"

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(prepare, True)
        assert claimed.wait(30)
        two = pool.submit(prepare, False)
        wait_until_someone_waits(region)
        go_on.set()
        assert [one.result(30), two.result(30)] == ["drafted", "23505"]
    assert len(region.claimed()) == 1
    assert region.value("SELECT count(*) FROM merchants.run") == 1


def test_of_many_approvals_at_once_one_moves_the_money(
    region, envelope, database, draft, accountant, at
):
    shop = region.payee()
    region.sale(shop, envelope, 100)
    run_id = draft()
    together = threading.Barrier(6)

    def approve():
        together.wait(30)
        try:
            with unit_of_work(database) as session:
                approve_run(session, run_id, by=accountant, at=at)
        except SesameError as refusal:
            return type(refusal)
        return "approved"

    with ThreadPoolExecutor(6) as pool:
        answers = [each.result(60) for each in [pool.submit(approve) for _ in range(6)]]
    assert answers.count("approved") == 1
    assert answers.count(RunNotDraft) == 5
    assert region.value("SELECT count(*) FROM ledger.transfer WHERE kind = 'remit'") == 1
    assert region.balance(region.payable(shop, envelope)) == 0
