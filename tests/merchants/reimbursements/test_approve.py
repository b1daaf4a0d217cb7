"""Approving: another person, sums that agree, accounts that haven't changed, money that moves once."""

from datetime import timedelta

import pytest

from merchants.rails.reasons import BankFileInvalid, OrderPartyInvalid
from merchants.reimbursements.control import frozen_hash
from merchants.reimbursements.draft import refresh_run
from merchants.reimbursements.reasons import (
    ApprovedByItsAuthor,
    ControlTotalsDiffer,
    PayeeChanged,
    RunChangedSinceRead,
    RunNotDraft,
    RunUnknown,
)
from merchants.reimbursements.runs import find_run
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


@pytest.fixture
def funder(region):
    return region.funder()


@pytest.fixture
def envelope(region, funder):
    return region.envelope(funder)


@pytest.fixture
def shop(region):
    return region.payee()


@pytest.fixture
def run_id(region, envelope, shop, draft):
    region.sale(shop, envelope, 1_000)
    region.sale(shop, envelope, 250)
    return draft()


def state(region):
    return region.rows("SELECT state, approved_by, approved_at, execution_on FROM merchants.run")


def remits(region):
    return region.rows("SELECT * FROM ledger.transfer WHERE kind = 'remit'")


def test_the_money_leaves_the_payable_for_the_account_in_transit(
    region, envelope, shop, run_id, approve, at
):
    approve(run_id)
    payable = region.payable(shop, envelope)
    transit = region.value("SELECT account_id FROM merchants.transit_account")
    assert region.balance(payable) == 0
    assert region.balance(transit) == 1_250
    remittance_id = region.value("SELECT id FROM merchants.remittance")
    assert region.rows(
        "SELECT debit_account_id, credit_account_id, amount, correlation_id, counts_at, recorded_at "
        "FROM ledger.transfer WHERE kind = 'remit'"
    ) == [(payable, transit, 1_250, remittance_id, at, at)]


def test_a_payable_below_zero_is_made_good_by_the_same_payees_other_payable(
    region, funder, envelope, shop, draft, approve
):
    cinema = region.envelope(funder)
    region.sale(shop, envelope, 1_000)
    region.sale(shop, cinema, -300)
    approve(draft())
    assert region.balance(region.payable(shop, envelope)) == 0
    assert region.balance(region.payable(shop, cinema)) == 0
    transit = region.value("SELECT account_id FROM merchants.transit_account")
    assert region.balance(transit) == 700 == region.value("SELECT total_cents FROM merchants.run")


def test_who_approved_and_when_is_kept_and_the_day_of_payment_is_left_to_the_file(
    region, run_id, approve, accountant, at
):
    approve(run_id)
    assert state(region) == [("approved", accountant, at, None)]


def test_who_prepared_cannot_approve(region, run_id, approve, officer):
    with pytest.raises(ApprovedByItsAuthor) as refused:
        approve(run_id, by=officer)
    assert refused.value.code == "approved_by_author"
    assert state(region) == [("draft", None, None, None)]
    assert remits(region) == []


def test_a_run_is_approved_once(region, run_id, approve):
    approve(run_id)
    with pytest.raises(RunNotDraft) as refused:
        approve(run_id)
    assert refused.value.code == "run_not_draft"
    assert len(remits(region)) == 1


def test_a_run_that_does_not_exist_is_not_found(run_id, approve, at):
    with pytest.raises(RunUnknown):
        approve(uuid7(at))


@pytest.mark.parametrize("column", ["iban", "bic", "holder", "street", "building_number", "town"])
def test_an_account_changed_since_the_draft_stops_the_approval(
    region, shop, run_id, approve, column
):
    changed = {"iban": "FR7630006000011234567890189", "bic": "AGRIFRPP"}.get(column, "Autre")
    region.connection.execute(
        f"UPDATE merchants.payee SET {column} = %s WHERE id = %s", (changed, shop)
    )
    with pytest.raises(PayeeChanged) as refused:
        approve(run_id)
    assert refused.value.code == "payee_changed"
    assert refused.value.figures == {"changed": 1}
    assert state(region) == [("draft", None, None, None)]
    assert remits(region) == []


def test_the_payers_account_changed_since_the_draft_stops_the_approval(region, run_id, approve):
    region.connection.execute("UPDATE cardsvc.funder SET iban = 'FR7630006000011234567890189'")
    with pytest.raises(PayeeChanged):
        approve(run_id)
    assert remits(region) == []


def test_once_refreshed_the_run_pays_to_the_new_account(
    region, database, shop, run_id, approve, officer, at
):
    region.connection.execute("UPDATE cardsvc.funder SET name = 'Région nouvelle'")
    region.connection.execute(
        "UPDATE merchants.payee SET iban = 'FR7630006000011234567890189' WHERE id = %s", (shop,)
    )
    with unit_of_work(database) as session:
        assert refresh_run(session, run_id, by=officer) == 2
    approve(run_id)
    assert region.value("SELECT iban FROM merchants.remittance") == "FR7630006000011234567890189"
    assert region.value("SELECT debtor_name FROM merchants.run") == "Région nouvelle"


def test_who_refreshes_has_prepared_it_and_cannot_approve(
    region, database, run_id, approve, accountant, at
):
    with unit_of_work(database) as session:
        assert refresh_run(session, run_id, by=accountant) == 0
    with pytest.raises(ApprovedByItsAuthor):
        approve(run_id, by=accountant)


def test_an_approved_run_is_not_refreshed(region, database, shop, run_id, approve, officer, at):
    approve(run_id)
    region.connection.execute("UPDATE merchants.payee SET bic = 'AGRIFRPP'")
    with pytest.raises(RunNotDraft), unit_of_work(database) as session:
        refresh_run(session, run_id, by=officer)
    assert region.value("SELECT bic FROM merchants.remittance") is None


def test_an_account_that_a_bank_would_refuse_stops_the_approval(
    region, database, run_id, approve, officer
):
    region.connection.execute("UPDATE merchants.payee SET iban = 'FR0630006000011234567890188'")
    with unit_of_work(database) as session:
        refresh_run(session, run_id, by=officer)
    with pytest.raises(OrderPartyInvalid) as refused:
        approve(run_id)
    assert refused.value.figures["field"] == "iban"
    assert state(region) == [("draft", None, None, None)]


def test_a_file_that_does_not_follow_the_norm_stops_the_approval_before_money_moves(
    region, run_id, approve, monkeypatch
):
    monkeypatch.setattr("merchants.rails.sepa._PURPOSE", "TOO LONG")
    with pytest.raises(BankFileInvalid) as refused:
        approve(run_id)
    assert refused.value.code == "bank_file_invalid"
    assert state(region) == [("draft", None, None, None)]
    assert remits(region) == []


@pytest.fixture
def read(database, run_id):
    """Return a function that gives the hash of the draft as it stands now."""

    def do():
        with unit_of_work(database) as session:
            return frozen_hash(session, find_run(session, run_id))

    return do


def test_what_was_read_is_what_is_approved(region, run_id, approve, read):
    approve(run_id, read=read())
    assert len(remits(region)) == 1


def test_a_run_refreshed_since_it_was_read_is_not_approved(
    region, database, run_id, approve, officer, read
):
    """The page was read, an account was changed and taken again, then the button was pressed."""
    seen = read()
    region.connection.execute("UPDATE merchants.payee SET iban = 'FR7630006000011234567890189'")
    with unit_of_work(database) as session:
        refresh_run(session, run_id, by=officer)
    with pytest.raises(RunChangedSinceRead) as refused:
        approve(run_id, read=seen)
    assert refused.value.code == "run_changed_since_read"
    assert state(region) == [("draft", None, None, None)]
    assert remits(region) == []
    approve(run_id, read=read())


def test_a_run_that_was_not_read_is_not_approved(region, run_id, approve):
    with pytest.raises(RunChangedSinceRead):
        approve(run_id, read="")
    assert remits(region) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE merchants.remittance SET holder = 'Autre'",
        "UPDATE merchants.remittance SET town = 'Lyon'",
        "UPDATE merchants.run SET debtor_iban = 'FR7630006000011234567890189'",
        "UPDATE merchants.run SET debtor_name = 'Autre'",
    ],
)
def test_the_hash_is_of_the_payer_and_of_every_payee(region, run_id, read, change):
    before = read()
    assert read() == before
    region.connection.execute(change)
    assert read() != before


def test_a_line_that_the_ledger_does_not_know_stops_the_approval(
    region, envelope, shop, run_id, approve, at
):
    """Somebody with the database in hand adds a line and lifts the payment: the ledger says no."""
    remittance_id = region.value("SELECT id FROM merchants.remittance")
    region.connection.execute(
        "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 500, %s, 1)",
        (uuid7(at), run_id, remittance_id, region.payable(shop, envelope), at),
    )
    with pytest.raises(ControlTotalsDiffer) as refused:
        approve(run_id)
    assert refused.value.code == "control_totals_differ"
    assert refused.value.figures == {
        "run_cents": 1_250,
        "remittances_cents": 1_250,
        "lines_cents": 1_750,
        "ledger_cents": 1_250,
    }
    assert remits(region) == []


def test_a_sale_counted_after_the_cutoff_is_not_the_ledgers_word_for_a_line(
    region, envelope, shop, draft, approve, at
):
    region.sale(shop, envelope, 100, counts_at=at - timedelta(days=2))
    run_id = draft(cutoff_at=at - timedelta(days=1))
    later = region.sale(shop, envelope, 900, counts_at=at - timedelta(hours=1))
    remittance_id = region.value("SELECT id FROM merchants.remittance")
    region.connection.execute(
        "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 900, %s, 1)",
        (later, run_id, remittance_id, region.payable(shop, envelope), at),
    )
    with pytest.raises(ControlTotalsDiffer):
        approve(run_id)
