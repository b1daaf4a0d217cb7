"""Preparing runs: what is claimed, what waits, what is refused."""

from datetime import timedelta

import pytest

from merchants.rails.reasons import OrderPartyInvalid
from merchants.reimbursements.owed import left_out
from merchants.reimbursements.payers import find_payer
from merchants.reimbursements.reasons import (
    CutoffInFuture,
    NobodyPayable,
    NothingToPay,
    PayerUnknown,
)
from sesame.platform.database import unit_of_work


@pytest.fixture
def envelope(region):
    return region.envelope(region.funder())


def payments(region):
    return dict(
        region.rows("SELECT payee_id, amount_cents FROM merchants.remittance ORDER BY amount_cents")
    )


def test_each_payee_gets_one_payment_of_all_their_sales(region, envelope, draft):
    shop, cinema = region.payee(), region.payee("Cinéma Le Phare")
    for cents in (1_000, 250, 5):
        region.sale(shop, envelope, cents)
    region.sale(cinema, envelope, 700)
    run_id = draft()
    assert payments(region) == {shop: 1_255, cinema: 700}
    assert region.rows(
        "SELECT total_cents, remittance_count, line_count, state FROM merchants.run WHERE id = %s",
        run_id,
    ) == [(1_955, 2, 4, "draft")]


def test_sales_of_all_the_payers_envelopes_go_into_one_payment(region, draft):
    funder = region.funder()
    books, cinema = region.envelope(funder), region.envelope(funder)
    shop = region.payee()
    region.sale(shop, books, 1_000)
    region.sale(shop, cinema, 500)
    draft()
    assert payments(region) == {shop: 1_500}


def test_another_payers_sales_are_left_alone(region, envelope, draft):
    other = region.envelope(region.funder("departement"))
    shop = region.payee()
    mine = region.sale(shop, envelope, 1_000)
    region.sale(shop, other, 500)
    draft()
    assert region.claimed() == [mine]


@pytest.mark.parametrize("regime", ["regie", "mandatement"])
def test_only_the_mandate_regime_leaves_by_bank_file(region, draft, regime):
    region.sale(region.payee(), region.envelope(region.funder(), regime), 1_000)
    with pytest.raises(PayerUnknown) as refused:
        draft()
    assert refused.value.code == "payer_unknown"


def test_a_sale_at_the_cutoff_waits_and_one_just_before_is_taken(region, envelope, draft, at):
    shop, cutoff = region.payee(), at - timedelta(hours=9)
    before = region.sale(shop, envelope, 100, counts_at=cutoff - timedelta(microseconds=1))
    region.sale(shop, envelope, 200, counts_at=cutoff)
    draft(cutoff_at=cutoff)
    assert region.claimed() == [before]


def test_a_refund_is_taken_off_the_payment(region, envelope, draft):
    shop = region.payee()
    region.sale(shop, envelope, 1_000)
    region.sale(shop, envelope, -400)
    draft()
    assert payments(region) == {shop: 600}


def test_a_payee_who_owes_refunds_is_left_until_sales_make_good(region, envelope, draft):
    shop, cinema = region.payee(), region.payee()
    refund = region.sale(shop, envelope, -400)
    region.sale(cinema, envelope, 100)
    draft()
    assert payments(region) == {cinema: 100}
    assert refund not in region.claimed()
    region.sale(shop, envelope, 401)
    draft()
    assert payments(region) == {cinema: 100, shop: 1}
    assert refund in region.claimed()


def test_refunds_that_equal_the_sales_make_no_payment_of_nothing(region, envelope, draft):
    shop = region.payee()
    region.sale(shop, envelope, 400)
    region.sale(shop, envelope, -400)
    with pytest.raises(NothingToPay):
        draft()
    assert region.claimed() == []


def test_with_nothing_to_pay_nothing_is_kept(region, envelope, draft):
    region.payee()
    with pytest.raises(NothingToPay) as refused:
        draft()
    assert refused.value.code == "nothing_to_pay"
    for table in ("run", "remittance", "run_line", "transit_account"):
        assert region.value(f"SELECT count(*) FROM merchants.{table}") == 0


def test_a_second_draft_finds_nothing_left(region, envelope, draft):
    region.sale(region.payee(), envelope, 1_000)
    draft()
    with pytest.raises(NothingToPay):
        draft()


def test_what_was_paid_is_not_owed_again(region, envelope, draft, approve):
    shop = region.payee()
    region.sale(shop, envelope, 1_000)
    approve(draft())
    region.sale(shop, envelope, 30)
    draft()
    assert sorted(
        cents for (cents,) in region.rows("SELECT amount_cents FROM merchants.remittance")
    ) == [30, 1_000]


def test_a_cutoff_to_come_is_refused(region, envelope, draft, at):
    region.sale(region.payee(), envelope, 1_000)
    with pytest.raises(CutoffInFuture) as refused:
        draft(cutoff_at=at + timedelta(seconds=1))
    assert refused.value.code == "cutoff_in_future"
    assert region.claimed() == []


def test_an_unknown_payer_is_refused(region, draft):
    with pytest.raises(PayerUnknown):
        draft(payer="nobody")


def test_a_payer_whose_address_has_no_town_is_refused_before_anything_is_claimed(region, draft):
    region.sale(region.payee(), region.envelope(region.funder(town=None)), 1_000)
    with pytest.raises(OrderPartyInvalid) as refused:
        draft()
    assert refused.value.figures["field"] == "town"
    assert region.claimed() == []


def test_the_payees_account_is_frozen_in_the_payment(region, envelope, draft):
    shop = region.payee(bic="AGRIFRPP")
    region.sale(shop, envelope, 1_000)
    draft()
    columns = "holder, iban, bic, building_number, street, postal_code, town, country"
    assert region.rows(f"SELECT {columns} FROM merchants.remittance") == region.rows(
        f"SELECT {columns} FROM merchants.payee WHERE id = %s", shop
    )


def test_the_reference_names_the_scheme_and_the_day_in_its_zone(region, envelope, draft, at):
    shop = region.payee()
    region.sale(shop, envelope, 1_000)
    draft(at=at.replace(hour=23, minute=30))
    message_id = region.value("SELECT message_id FROM merchants.run")
    assert message_id.startswith("FR-VA-20261125-")
    assert len(message_id) <= 35


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"holder": "Βιβλιοπωλείο"}),
        ("town", {"town": "Θήβα"}),
        ("iban", {"iban": "FR0630006000011234567890188"}),
        ("bic", {"bic": "AGRIZZPP"}),
    ],
)
def test_a_payee_who_cannot_be_paid_is_left_out_and_stops_nobody_else(
    region, database, envelope, draft, approve, at, field, wrong
):
    shop, other = region.payee(), region.payee(**wrong)
    mine = region.sale(shop, envelope, 1_500)
    region.sale(other, envelope, 200)
    approve(draft())
    assert payments(region) == {shop: 1_500}
    assert region.claimed() == [mine]
    with unit_of_work(database) as session:
        (left,) = left_out(session, find_payer(session, "region"), at)
    assert (left.payee_id, left.field, left.cents) == (other, field, 200)


def test_once_corrected_they_are_paid_by_a_later_run(region, envelope, draft, approve):
    shop = region.payee("Βιβλιοπωλείο")
    sale = region.sale(shop, envelope, 200)
    region.sale(region.payee(), envelope, 1_500)
    approve(draft())
    region.connection.execute(
        "UPDATE merchants.payee SET holder = 'Librairie grecque' WHERE id = %s", (shop,)
    )
    approve(draft())
    assert sale in region.claimed()
    assert region.balance(region.payable(shop, envelope)) == 0


def test_where_nobody_can_be_paid_the_refusal_says_so_and_names_nobody(region, envelope, draft):
    region.sale(region.payee("Βιβλιοπωλείο"), envelope, 200)
    with pytest.raises(NobodyPayable) as refused:
        draft()
    assert refused.value.code == "nobody_payable"
    assert refused.value.figures == {"count": 1}
    assert region.claimed() == []


def test_who_cannot_be_paid_and_is_owed_nothing_is_not_named(region, database, envelope, at):
    region.payable(region.payee("Βιβλιοπωλείο"), envelope)
    with unit_of_work(database) as session:
        assert left_out(session, find_payer(session, "region"), at) == []
