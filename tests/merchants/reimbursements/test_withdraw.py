"""Withdrawing a draft: it ends, stays to be read, and what it claimed is paid once by a later run."""

import pytest

from merchants.reimbursements.reasons import NothingToPay, RunNotDraft, RunUnknown
from sesame.platform.ids import uuid7


@pytest.fixture
def envelope(region):
    return region.envelope(region.funder())


@pytest.fixture
def shop(region):
    return region.payee()


@pytest.fixture
def run_id(region, envelope, shop, draft):
    region.sale(shop, envelope, 1_000)
    region.sale(shop, envelope, 250)
    return draft()


def runs(region):
    return region.rows(
        "SELECT id, state, withdrawn_by, withdrawn_at FROM merchants.run ORDER BY id"
    )


def test_who_withdrew_and_when_is_kept_and_no_money_moves(region, run_id, withdraw, officer, at):
    withdraw(run_id)
    assert runs(region) == [(run_id, "withdrawn", officer, at)]
    assert region.rows("SELECT 1 FROM ledger.transfer WHERE kind = 'remit'") == []


def test_its_lines_stay_and_the_next_draft_claims_them_again(
    region, envelope, shop, run_id, draft, withdraw, approve
):
    lines = "SELECT transfer_id, amount_cents FROM merchants.run_line WHERE run_id = %s ORDER BY 1"
    before = region.rows(lines, run_id)
    withdraw(run_id)
    more = region.sale(shop, envelope, 7)
    second = draft()
    assert region.rows(lines, run_id) == before
    assert region.rows(lines, second) == sorted([*before, (more, 7)])
    approve(second)
    assert region.balance(region.payable(shop, envelope)) == 0
    transit = region.value("SELECT account_id FROM merchants.transit_account")
    assert region.balance(transit) == 1_257
    with pytest.raises(NothingToPay):
        draft()


def test_a_sale_may_be_withdrawn_many_times_and_is_paid_once(
    region, run_id, draft, withdraw, approve
):
    last = run_id
    for _ in range(3):
        withdraw(last)
        last = draft()
    approve(last)
    claims = region.rows("SELECT claim, count(*) FROM merchants.run_line GROUP BY 1 ORDER BY 1")
    assert claims == [(1, 2), (2, 2), (3, 2), (4, 2)]
    assert region.value("SELECT sum(amount) FROM ledger.transfer WHERE kind = 'remit'") == 1_250


def test_a_run_whose_totals_differ_can_still_be_withdrawn(
    region, envelope, shop, run_id, withdraw, at
):
    remittance_id = region.value("SELECT id FROM merchants.remittance")
    region.connection.execute(
        "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 500, %s, 1)",
        (uuid7(at), run_id, remittance_id, region.payable(shop, envelope), at),
    )
    withdraw(run_id)
    assert region.value("SELECT state FROM merchants.run") == "withdrawn"


@pytest.mark.parametrize("before", ["approved", "withdrawn"])
def test_only_a_draft_is_withdrawn(region, run_id, approve, withdraw, before):
    (approve if before == "approved" else withdraw)(run_id)
    with pytest.raises(RunNotDraft) as refused:
        withdraw(run_id)
    assert refused.value.code == "run_not_draft"
    assert region.value("SELECT state FROM merchants.run") == before


def test_a_withdrawn_run_is_not_approved(region, run_id, approve, withdraw):
    withdraw(run_id)
    with pytest.raises(RunNotDraft):
        approve(run_id)
    assert region.rows("SELECT 1 FROM ledger.transfer WHERE kind = 'remit'") == []


def test_a_run_that_does_not_exist_is_not_withdrawn(scheme, withdraw, at):
    with pytest.raises(RunUnknown):
        withdraw(uuid7(at))
