"""Purchases that are paid, whole or in part: what is answered, booked and kept."""

from datetime import timedelta
from uuid import UUID


def test_a_basket_within_the_rights_is_approved_and_booked_once(town):
    before = town.everything()[0]
    got = town.answer(("textbooks", 4_250), ("books", 790))
    assert (got["outcome"], got["approved_cents"], got["remaining_cents"]) == ("approved", 5_040, 0)
    assert (got["reasons"], got["currency"]) == ([], "EUR")
    rows = town.sql(
        "SELECT t.amount, t.kind, a.kind, e.line, b.balance FROM ledger.transfer t"
        " JOIN ledger.account a ON a.id = t.credit_account_id"
        " JOIN cardsvc.entitlement e ON e.account_id = t.debit_account_id"
        " JOIN ledger.balance b ON b.account_id = t.debit_account_id"
        " WHERE t.correlation_id = %s ORDER BY t.amount",
        UUID(got["purchase_id"]),
    )
    assert rows == [
        (790, "capture", "payable", "lecture", 1_210),
        (4_250, "capture", "payable", "manuels", 2_750),
    ]
    after = town.everything()[0]
    assert after["ledger.transfer"] - before["ledger.transfer"] == 2
    assert after["ledger.idempotency"] - before["ledger.idempotency"] == 1


def test_the_decision_keeps_who_where_what_and_the_figures_it_was_taken_on(town):
    got = town.answer(("textbooks", 4_250), ("books", 790), key="kept-sale-0001")
    ((row,),) = town.kept("to_jsonb(decision)")
    assert row["id"] == got["purchase_id"]
    assert (row["outcome"], row["amount_cents"], row["approved_cents"]) == (
        "approved",
        5_040,
        5_040,
    )
    assert (row["terminal_id"], row["site_id"], row["merchant_id"]) == (
        str(town.till.id),
        str(town.till.site_id),
        str(town.till.merchant_id),
    )
    assert (row["key"], row["authorisation"]) == ("kept-sale-0001", got["authorisation"])
    assert sorted(row["figures"]["left_cents"].values()) == [1_000, 2_000, 3_000, 7_000]
    assert [line["approved_cents"] for line in row["lines"]] == [4_250, 790]
    transfers = town.sql(
        "SELECT id::text FROM ledger.transfer WHERE correlation_id = %s", UUID(row["id"])
    )
    assert sorted(row["transfer_ids"]) == sorted(each for (each,) in transfers)
    paid_by = town.sql(
        "SELECT id::text FROM cardsvc.entitlement WHERE beneficiary_id = %s AND line = 'manuels'",
        town.student.id,
    )
    assert row["lines"][0]["parts"] == [{"entitlement_id": paid_by[0][0], "amount_cents": 4_250}]


def test_the_number_to_read_aloud_has_no_character_that_sounds_like_another(town):
    spoken = town.answer(("textbooks", 100))["authorisation"]
    assert len(spoken) == 7
    assert spoken[3] == "-"
    assert not set(spoken) & set("01O5S8BIGZ")


def test_what_the_rights_do_not_cover_is_left_to_pay_where_the_till_can_take_it(town):
    got = town.answer(("books", 1_500), partial=True)
    assert (got["outcome"], got["approved_cents"], got["remaining_cents"]) == (
        "partial",
        1_200,
        300,
    )
    assert got["lines"] == [
        {
            "category": "books",
            "amount_cents": 1_500,
            "approved_cents": 1_200,
            "reason": "cap_day_reached",
        }
    ]
    assert [reason["code"] for reason in got["reasons"]] == ["cap_day_reached"]
    assert town.kept("outcome, approved_cents, accept_partial, reasons") == [
        ("partial", 1_200, True, ["cap_day_reached"])
    ]


def test_a_daily_cap_counts_over_purchases_and_is_free_again_the_next_day(town):
    assert town.answer(("books", 1_000))["approved_cents"] == 1_000
    assert town.answer(("books", 1_000), partial=True)["approved_cents"] == 200
    assert town.refusal(("books", 100), partial=True) == ["cap_day_reached"]
    town.clock.advance(timedelta(days=1))
    assert town.answer(("books", 800))["approved_cents"] == 800
    assert town.spent_cents() == 2_000


def test_the_day_of_a_cap_is_the_schemes_and_not_utc(town):
    town.clock.at = town.clock.at.replace(hour=22, minute=30)
    town.renew_token(town.student)
    assert town.answer(("books", 300))["approved_cents"] == 300
    town.clock.advance(timedelta(minutes=40))
    # 23:10 UTC is ten past midnight in Paris.
    assert town.answer(("books", 1_200))["approved_cents"] == 1_200
    assert town.refusal(("books", 100), partial=True) == ["cap_day_reached"]


def test_a_category_has_a_cap_for_the_season(town):
    assert town.answer(("music", 1_000))["approved_cents"] == 1_000
    town.clock.advance(timedelta(days=5))
    got = town.answer(("music", 1_000), partial=True)
    assert (got["approved_cents"], got["lines"][0]["reason"]) == (500, "cap_category_reached")


def test_two_entitlements_share_a_line_in_the_order_of_the_programme(town):
    got = town.answer(("comics", 3_000), partial=True)
    assert got["approved_cents"] == 1_200 + 800
    assert [reason["code"] for reason in got["reasons"]] == [
        "cap_day_reached",
        "cap_unit_price_reached",
    ]
    assert (town.left_cents("lecture"), town.left_cents("bd")) == (800, 200)


def test_the_unit_price_cap_counts_every_piece(town):
    got = town.answer(("comics", 2_200, {"quantity": 3}), partial=True)
    assert got["approved_cents"] == 1_200 + 1_000


def test_two_lines_that_the_same_entitlement_pays_are_one_transfer(town):
    got = town.answer(("textbooks", 1_000), ("textbooks", 2_000, {"ean": "9782070612758"}))
    assert town.sql(
        "SELECT amount FROM ledger.transfer WHERE correlation_id = %s", UUID(got["purchase_id"])
    ) == [(3_000,)]


def test_a_line_that_no_right_covers_leaves_the_others_be(town):
    got = town.answer(("textbooks", 1_000), ("cinema", 500), ("sports", 300), partial=True)
    assert (got["approved_cents"], got["remaining_cents"]) == (1_000, 800)
    assert [line["reason"] for line in got["lines"]] == [
        None,
        "category_not_in_convention",
        "category_not_covered",
    ]


def test_a_basket_may_have_fifty_lines(town):
    got = town.answer(*[("textbooks", 100)] * 50)
    assert (got["approved_cents"], len(got["lines"])) == (5_000, 50)


def test_a_shops_first_sale_opens_its_payable_and_the_next_ones_use_it(town):
    shop = town.add_shop()
    wanted = (
        "SELECT count(*), count(DISTINCT a.id) FROM merchants.payable_account p"
        " JOIN merchants.site s ON s.payee_id = p.payee_id"
        " JOIN ledger.account a ON a.id = p.account_id AND a.kind = 'payable'"
        " WHERE s.id = %s"
    )
    assert town.sql(wanted, shop.site_id) == [(0, 0)]
    for _ in range(2):
        assert town.answer(("textbooks", 500), till=shop)["outcome"] == "approved"
    assert town.sql(wanted, shop.site_id) == [(1, 1)]


def test_a_convention_without_a_ceiling_lets_any_amount_be_asked(town):
    shop = town.add_shop(max_purchase_cents=None)
    assert town.answer(("textbooks", 20_000), till=shop, partial=True)["approved_cents"] == 6_000
