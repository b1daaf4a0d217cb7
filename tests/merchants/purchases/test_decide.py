"""The decision alone, on plain data: no database, no clock, no web."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardsvc.programmes.spending_plan import read_plan
from cardsvc.programmes.split import BasketLine, CapUse
from merchants.purchases.decide import decide

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
VERSION = UUID(int=1)
BOOKS, READING = UUID(int=11), UUID(int=12)
PLANS = {
    VERSION: read_plan(
        {
            "programme": "livres",
            "season": "2026",
            "lines": [
                {
                    "id": "manuels",
                    "categories": ["textbooks"],
                    "caps": {"per_purchase": 6_000},
                    "per_category": {},
                },
                {
                    "id": "lecture",
                    "categories": ["books", "textbooks"],
                    "caps": {"per_day": 1_200},
                    "per_category": {},
                },
            ],
        }
    )
}


def entitlement(number, line, balance):
    return {
        "id": str(number),
        "account_id": str(UUID(int=number.int + 100)),
        "programme_version_id": str(VERSION),
        "line": line,
        "balance_cents": balance,
        "paying_envelope_id": str(UUID(int=900)),
        "priority": 100,
        "valid_from": "2026-09-01T00:00:00+00:00",
        "valid_until": "2027-09-01T00:00:00+00:00",
    }


def known(*, textbooks=7_000, reading=2_000, used=0, ceiling=15_000, **changed):
    terminal = {
        "state": "active",
        "convention": {
            "state": "active",
            "parameters": {
                "categories": ["textbooks", "books"],
                "max_purchase_cents": ceiling,
                "accepts_partial": changed.pop("accepts_partial", True),
            },
        },
    }
    card = {
        "phone_key_state": "active",
        "card_state": "active",
        "entitlements": [
            entitlement(BOOKS, "manuels", textbooks),
            entitlement(READING, "lecture", reading),
        ],
        "usage": [
            {"cap_key": "livres/2026/lecture/per_day", "period": "2026-11-24", "used_cents": used}
        ],
    }
    return {"terminal": terminal, "card": card, "proof_used": False} | changed


def decided(state, *lines, refusal=None, partial=True):
    basket = tuple(BasketLine(category, cents) for category, cents in lines)
    return decide(state, refusal, PLANS, basket, partial, at=AT, zone=PARIS)


def spoil(state, what):
    """Make one thing wrong; the code for which it is refused."""
    if what == "terminal_not_active":
        state["terminal"]["state"] = "suspended"
    elif what == "convention_not_active":
        state["terminal"]["convention"]["state"] = "suspended"
    elif what == "convention_amount_exceeded":
        state["terminal"]["convention"]["parameters"]["max_purchase_cents"] = 1
    elif what == "phone_revoked":
        state["card"]["phone_key_state"] = "revoked"
    elif what == "card_not_active":
        state["card"]["card_state"] = "blocked"
    elif what == "proof_replayed":
        state["proof_used"] = True


ORDER = [
    "terminal_not_active",
    "convention_not_active",
    "convention_amount_exceeded",
    "proof_expired",
    "phone_revoked",
    "card_not_active",
    "proof_replayed",
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_check_that_fails_gives_the_one_reason(first):
    state = known()
    for what in ORDER[first:]:
        spoil(state, what)
    refusal = "proof_expired" if "proof_expired" in ORDER[first:] else None
    got = decided(state, ("textbooks", 500), ("cinema", 500), refusal=refusal)
    assert (got.outcome, got.reasons) == ("refused", (ORDER[first],))
    assert [line.reasons for line in got.lines] == [(ORDER[first],)] * 2
    assert (got.parts, got.cap_uses, got.figures) == ([], (), {})


def test_a_token_without_a_row_is_unknown_once_the_code_itself_is_believed():
    state = known(card=None)
    assert decided(state, ("textbooks", 500)).reasons == ("token_unknown",)
    got = decided(state, ("textbooks", 500), refusal="issuer_unknown")
    assert got.reasons == ("issuer_unknown",)


def test_a_shop_without_a_convention_sells_nothing():
    state = known()
    state["terminal"]["convention"] = None
    assert decided(state, ("textbooks", 500)).reasons == ("convention_not_active",)


def test_the_ceiling_itself_is_allowed_and_none_is_no_ceiling():
    assert decided(known(ceiling=500), ("textbooks", 500)).outcome == "approved"
    assert decided(known(ceiling=499), ("textbooks", 500)).outcome == "refused"
    assert decided(known(ceiling=None), ("textbooks", 50_000)).outcome == "partial"


def test_every_reason_is_given_once_in_the_order_of_the_basket():
    got = decided(known(reading=0, textbooks=0), ("cinema", 1), ("books", 2), ("cinema", 3))
    assert got.reasons == ("category_not_in_convention", "entitlement_exhausted")


@pytest.mark.parametrize(("till", "shop"), [(True, False), (False, True), (False, False)])
def test_a_part_is_paid_only_where_both_till_and_convention_take_it(till, shop):
    state = known(accepts_partial=shop)
    got = decided(state, ("books", 1_300), ("textbooks", 100), partial=till)
    assert got.reasons == ("partial_not_accepted", "cap_day_reached")
    assert [line.reasons for line in got.lines] == [
        ("cap_day_reached",),
        ("partial_not_accepted",),
    ]
    assert (got.approved_cents, got.parts, got.cap_uses) == (0, [], ())


def test_two_entitlements_pay_one_line_and_the_version_is_named_once():
    got = decided(known(), ("textbooks", 6_500))
    assert [(part.entitlement_id, part.amount_cents) for part in got.parts] == [
        (BOOKS, 6_000),
        (READING, 500),
    ]
    assert got.programme_version_ids == [VERSION]
    assert got.kept_lines() == [
        {
            "category": "textbooks",
            "amount_cents": 6_500,
            "approved_cents": 6_500,
            "reasons": [],
            "parts": [
                {"entitlement_id": str(BOOKS), "amount_cents": 6_000},
                {"entitlement_id": str(READING), "amount_cents": 500},
            ],
        }
    ]
    assert got.cap_uses == (CapUse("livres/2026/lecture/per_day", "2026-11-24", 500, 1_200),)


def test_the_figures_are_those_the_decision_was_taken_on():
    got = decided(known(textbooks=123, used=45), ("textbooks", 100))
    assert got.figures == {
        "left_cents": {str(BOOKS): 123, str(READING): 2_000},
        "used_cents": {"livres/2026/lecture/per_day@2026-11-24": 45},
    }


categories = st.sampled_from(["textbooks", "books", "cinema"])
baskets = st.lists(st.tuples(categories, st.integers(1, 9_000)), min_size=1, max_size=6)
balances = st.integers(0, 8_000)


@given(
    basket=baskets,
    textbooks=balances,
    reading=balances,
    used=st.integers(0, 1_500),
    partial=st.booleans(),
    ceiling=st.sampled_from([None, 5_000]),
)
def test_whatever_is_asked_the_figures_agree(basket, textbooks, reading, used, partial, ceiling):
    state = known(textbooks=textbooks, reading=reading, used=used, ceiling=ceiling)
    got = decided(state, *basket, partial=partial)
    asked = sum(cents for _, cents in basket)
    assert got.amount_cents == asked
    assert got.approved_cents == sum(line.approved_cents for line in got.lines)
    assert got.approved_cents == sum(part.amount_cents for part in got.parts)
    assert [(line.category, line.amount_cents) for line in got.lines] == basket
    for line in got.lines:
        assert 0 <= line.approved_cents <= line.amount_cents
        assert sum(part.amount_cents for part in line.parts) == line.approved_cents
        assert bool(line.reasons) == (line.approved_cents < line.amount_cents)
    assert got.outcome == (
        "refused"
        if got.approved_cents == 0
        else "approved"
        if got.approved_cents == asked
        else "partial"
    )
    assert partial or got.outcome != "partial"
    assert bool(got.reasons) == (got.outcome != "approved")
    assert all(part.amount_cents > 0 for part in got.parts)
    # No entitlement and no cap gives more than it has, said here without split().
    paid = {BOOKS: 0, READING: 0}
    for part in got.parts:
        paid[part.entitlement_id] += part.amount_cents
    assert paid[BOOKS] <= min(textbooks, 6_000)
    assert paid[READING] <= min(reading, max(0, 1_200 - used))
    assert sum(use.amount_cents for use in got.cap_uses) == paid[READING]
    # And nothing that it could give is kept back.
    if got.outcome != "refused":
        wanted = sum(cents for category, cents in basket if category == "textbooks")
        assert paid[BOOKS] == min(wanted, textbooks, 6_000)
