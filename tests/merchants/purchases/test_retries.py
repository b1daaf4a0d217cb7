"""A retry is normal: one key is one sale, whatever was lost on the way."""

from datetime import timedelta

import pytest

from merchants.terminals.states import change_state
from sesame.platform.database import unit_of_work


def test_the_answer_is_the_same_for_every_retry_under_the_key(town):
    basket = town.basket(("books", 500))
    first = town.till.post(basket, "one-sale-0001")
    again = town.till.post(basket, "one-sale-0001")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert town.spent_cents() == 500


def test_what_the_defaults_say_is_the_same_content(town):
    qr = town.student.qr(town.clock.now())
    lines = [{"category": "books", "amount_cents": 500}]
    spelt_out = [{"ean": None, "quantity": 1, **lines[0]}]
    till = town.add_till()
    first = till.post({"qr": qr, "lines": lines}, "one-sale-0001")
    again = till.post(
        {"accept_partial": False, "currency": "EUR", "lines": spelt_out, "qr": qr}, "one-sale-0001"
    )
    assert (again.status_code, again.get_json()) == (200, first.get_json())


@pytest.mark.parametrize(
    "change",
    [
        {"lines": [{"category": "books", "amount_cents": 501}]},
        {"lines": [{"category": "comics", "amount_cents": 500}]},
        {"lines": [{"category": "books", "amount_cents": 500, "quantity": 2}]},
        {"lines": [{"category": "books", "amount_cents": 500}] * 2},
        {"accept_partial": True},
        {"qr": "SES1:OTHER"},
    ],
)
def test_another_content_under_the_same_key_is_a_conflict(town, change):
    till = town.add_till()
    basket = town.basket(("books", 500))
    till.post(basket, "one-sale-0001")
    before = town.everything()
    other = till.post(basket | change, "one-sale-0001")
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")
    assert other.mimetype == "application/problem+json"
    assert town.everything() == before
    assert till.post(basket, "one-sale-0001").get_json()["outcome"] == "approved"


def test_a_refusal_stays_one_even_when_the_money_has_come(town):
    till = town.add_till()
    town.answer(("books", 1_200))
    basket = town.basket(("books", 800))
    assert town.refused(till.post(basket, "one-sale-0001")) == ["cap_day_reached"]
    town.clock.advance(timedelta(days=1))
    again = till.post(basket, "one-sale-0001")
    assert (again.status_code, town.refused(again)) == (200, ["cap_day_reached"])
    # Under a new key, and with a new code, it is another sale.
    assert town.answer(("books", 800), till=till)["outcome"] == "approved"


def test_a_retry_gets_the_first_answer_though_the_code_and_the_till_have_ended_since(town):
    till = town.add_till()
    basket = town.basket(("books", 500))
    sold = till.post(basket, "one-sale-0001").get_json()
    town.clock.advance(timedelta(days=30))
    with unit_of_work(town.database) as session:
        change_state(session, till.id, "suspended", reason="volée", at=town.clock.now())
    again = till.post(basket, "one-sale-0001")
    assert (again.status_code, again.get_json()) == (200, sold)
    assert till.by_key("one-sale-0001").get_json() == sold


def test_two_tills_may_choose_the_same_key(town):
    till, second = town.add_till(), town.add_till()
    assert town.answer(("books", 500), key="one-sale-0001", till=till)["approved_cents"] == 500
    assert town.answer(("books", 300), key="one-sale-0001", till=second)["approved_cents"] == 300


def test_a_lost_answer_is_found_by_its_key_by_the_same_till_only(town):
    till = town.add_till()
    sold = town.answer(("books", 500), key="one-sale-0001", till=till)
    assert till.by_key("one-sale-0001").get_json() == sold
    for response in (till.by_key("other-sale-01"), town.add_till().by_key("one-sale-0001")):
        assert (response.status_code, response.get_json()["code"]) == (404, "purchase_unknown")
        assert response.mimetype == "application/problem+json"


def test_a_lost_refusal_is_found_too(town):
    till = town.add_till()
    refused = till.post(town.basket(("cinema", 500)), "one-sale-0001").get_json()
    assert till.by_key("one-sale-0001").get_json() == refused


def test_one_key_sent_fifty_times_at_once_is_one_purchase_and_fifty_equal_answers(town):
    till = town.add_till()
    basket = town.basket(("books", 500))
    responses = town.at_once(lambda _: till.post(basket, "one-sale-0001"), 50, threads=25)
    assert sorted(response.status_code for response in responses) == [200] * 49 + [201]
    first = responses[0].get_json()
    assert first["outcome"] == "approved"
    assert all(response.get_json() == first for response in responses)
    assert town.spent_cents() == 500
    assert town.kept("count(*) OVER (), outcome") == [(1, "approved")]


def test_one_key_sent_at_once_with_two_contents_is_one_purchase_and_conflicts(town):
    till = town.add_till()
    qr = town.student.qr(town.clock.now())
    baskets = [town.basket(("books", cents), qr=qr) for cents in (500, 600)]
    responses = town.at_once(
        lambda number: till.post(baskets[number % 2], "one-sale-0001"), 20, threads=20
    )
    assert sorted(response.status_code for response in responses) == [200] * 9 + [201] + [409] * 10
    assert town.spent_cents() in (500, 600)
    assert len(town.kept("outcome")) == 1
