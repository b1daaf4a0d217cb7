"""Every refusal: answered with its code, kept with it, and nothing else written."""

from datetime import timedelta

import pytest

from cardsvc.cards.issue import revoke_phone
from cardsvc.cards.life import block_card, declare_lost
from merchants.conventions.lifecycle import change_state as change_convention
from merchants.purchases.reasons import REFUSALS
from merchants.purchases.rounds import explain
from merchants.terminals.states import change_state as change_terminal
from sesame.platform.database import unit_of_work

SPLIT_CODES = (
    "category_not_covered",
    "no_entitlement",
    "entitlement_exhausted",
    "entitlement_not_started",
    "entitlement_expired",
    "cap_purchase_reached",
    "cap_day_reached",
    "cap_unit_price_reached",
    "cap_category_reached",
)


@pytest.fixture
def refused_only(town):
    """Buy, and see that the refusal is kept and that nothing else has changed."""

    def check(codes, *lines, student=None, **more):
        student = student or town.student
        qr = more.pop("qr", None) or student.qr(town.clock.now())
        counts, balances = town.everything()
        got = town.read(town.buy(*lines, qr=qr, **more))
        assert [reason["code"] for reason in got["reasons"]] == codes
        assert (got["outcome"], got["approved_cents"]) == ("refused", 0)
        assert all(line["approved_cents"] == 0 and line["reason"] for line in got["lines"])
        for name in ("merchants.decision", "ledger.idempotency"):
            counts[name] += 1
        assert town.everything() == (counts, balances)
        assert town.sql(
            "SELECT outcome, approved_cents, reasons, transfer_ids FROM merchants.decision"
            " WHERE id = %s::uuid",
            got["purchase_id"],
        ) == [("refused", 0, codes, [])]

    return check


@pytest.mark.parametrize("code", [*REFUSALS, *SPLIT_CODES])
def test_every_reason_has_four_sentences_of_its_own(code):
    said = explain(code)
    assert said["code"] == code
    for reader in ("cashier", "holder"):
        fr, en = said[reader]["fr"], said[reader]["en"]
        assert fr.strip()
        assert en.strip()
        assert fr != en
    assert said["cashier"]["fr"] != said["holder"]["fr"]
    assert said["cashier"]["en"] != said["holder"]["en"]


def test_the_answer_carries_the_sentences_of_its_reason(town):
    got = town.read(town.buy(("cinema", 500)))
    assert got["reasons"] == [explain("category_not_in_convention")]


def test_someone_without_a_right_is_told_so(town, refused_only):
    refused_only(["no_entitlement"], ("books", 500), student=town.add_stranger(), partial=True)


def test_what_the_card_does_not_cover_is_refused(refused_only):
    refused_only(["category_not_covered"], ("sports", 500), partial=True)


def test_what_the_convention_does_not_name_is_refused(refused_only):
    refused_only(["category_not_in_convention"], ("cinema", 500), ("opera", 1), partial=True)


def test_a_spent_right_is_refused(town, refused_only):
    town.answer(("textbooks", 6_000))
    town.answer(("textbooks", 1_000))
    refused_only(["entitlement_exhausted"], ("textbooks", 1), partial=True)
    assert town.spent_cents() == 7_000


def test_more_than_is_left_is_refused_where_the_till_takes_no_part(town, refused_only):
    town.answer(("textbooks", 6_000))
    codes = ["partial_not_accepted", "entitlement_exhausted"]
    refused_only(codes, ("textbooks", 1_001))


def test_more_than_the_cap_of_one_purchase_is_refused_where_the_till_takes_no_part(refused_only):
    refused_only(["partial_not_accepted", "cap_purchase_reached"], ("textbooks", 6_001))


def test_more_than_the_cap_of_the_day_is_refused(town, refused_only):
    refused_only(["partial_not_accepted", "cap_day_reached"], ("books", 1_500))
    town.answer(("books", 1_200))
    refused_only(["cap_day_reached"], ("books", 1), partial=True)


def test_more_than_the_cap_of_the_category_is_refused(town, refused_only):
    town.answer(("music", 1_500))
    refused_only(["cap_category_reached"], ("music", 1), partial=True)


def test_a_shop_whose_convention_takes_no_part_is_refused_even_if_its_till_would(
    town, refused_only
):
    shop = town.add_shop(accepts_partial=False)
    codes = ["partial_not_accepted", "cap_day_reached"]
    refused_only(codes, ("books", 1_500), till=shop, partial=True)


def test_a_right_that_has_not_begun_is_refused(town, refused_only):
    town.clock.at = town.clock.at.replace(month=8, day=25)
    refused_only(["entitlement_not_started"], ("textbooks", 500))


def test_a_right_that_is_over_is_refused_as_such(town, refused_only):
    town.clock.at = town.clock.at.replace(year=2027, month=10, day=5)
    refused_only(["entitlement_expired"], ("textbooks", 500))


def test_a_right_that_is_long_over_is_as_none(town, refused_only):
    town.clock.at = town.clock.at.replace(year=2027, month=12, day=5)
    refused_only(["no_entitlement"], ("textbooks", 500))


def test_a_purchase_above_the_conventions_ceiling_is_refused(town, refused_only):
    codes = ["convention_amount_exceeded"]
    refused_only(codes, ("textbooks", 7_500), ("books", 7_501), partial=True)
    assert town.answer(("textbooks", 15_000), partial=True)["approved_cents"] == 6_000


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_a_terminal_that_is_not_active_is_refused(town, refused_only, state):
    till = town.add_till()
    with unit_of_work(town.database) as session:
        change_terminal(session, till.id, state, reason="volée", at=town.clock.now())
    refused_only(["terminal_not_active"], ("books", 500), till=till)


def test_a_terminal_that_is_active_again_sells_again(town):
    till = town.add_till()
    for state in ("suspended", "active"):
        with unit_of_work(town.database) as session:
            change_terminal(session, till.id, state, reason="contrôle", at=town.clock.now())
    assert town.answer(("books", 500), till=till)["outcome"] == "approved"


@pytest.mark.parametrize("state", ["suspended", "terminated"])
def test_a_convention_that_is_not_active_is_refused(town, refused_only, state):
    shop = town.add_shop()
    with unit_of_work(town.database) as session:
        change_convention(session, shop.merchant_id, state, reason="test", at=town.clock.now())
    refused_only(["convention_not_active"], ("books", 500), till=shop)


@pytest.mark.parametrize("convention", ["none", "draft"])
def test_a_shop_without_a_signed_convention_is_refused(town, refused_only, convention):
    shop = town.add_shop(convention=convention)
    refused_only(["convention_not_active"], ("books", 500), till=shop)
    assert town.kept("convention_version_id IS NULL") == [(convention == "none",)]


def test_a_phone_that_was_taken_off_the_card_is_refused(town, refused_only):
    with unit_of_work(town.database) as session:
        revoke_phone(session, town.student.id, town.student.phone_key_id, town.clock.now())
    refused_only(["phone_revoked"], ("books", 500))


@pytest.mark.parametrize("end", [block_card, declare_lost])
def test_a_card_that_is_blocked_or_lost_is_refused(town, refused_only, end):
    ((card_id,),) = town.sql(
        "SELECT id FROM cardsvc.card WHERE beneficiary_id = %s", town.student.id
    )
    with unit_of_work(town.database) as session:
        end(session, card_id, town.clock.now(), reason="holder_asked")
    refused_only(["card_not_active"], ("books", 500))


def test_the_shop_is_looked_at_before_the_card_and_the_code_before_the_rights(town, refused_only):
    shop = town.add_shop(convention="draft")
    old = town.student.qr(town.clock.now() - timedelta(minutes=5))
    refused_only(["convention_not_active"], ("cinema", 20_000), till=shop, qr=old)
    refused_only(["convention_amount_exceeded"], ("cinema", 20_000), qr=old)
    refused_only(["proof_expired"], ("cinema", 500), qr=old)
