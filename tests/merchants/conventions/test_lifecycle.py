"""From draft to termination, and the terms in force."""

import itertools
import threading
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from merchants.conventions.lifecycle import (
    amend_convention,
    change_state,
    current_convention,
    draft_convention,
)
from merchants.conventions.reasons import (
    ConventionChangeTooEarly,
    ConventionChangeUnexplained,
    ConventionExists,
    ConventionMissing,
    ConventionParametersInvalid,
    ConventionTransitionRefused,
)
from merchants.directory.reasons import MerchantUnknown
from sesame.platform.database import unit_of_work

TERMS = {"categories": ["books"], "max_purchase_cents": 5000, "payment_delay_days": 20}
ALLOWED = {
    ("draft", "active"),
    ("draft", "terminated"),
    ("active", "suspended"),
    ("active", "terminated"),
    ("suspended", "active"),
    ("suspended", "terminated"),
}
WAY_TO = {
    "draft": (),
    "active": ("active",),
    "suspended": ("active", "suspended"),
    "terminated": ("terminated",),
}


def _draft(session, shop, at, **changed):
    fields = {"parameters": TERMS, "valid_from": at, "valid_until": None, **changed}
    return draft_convention(session, merchant_id=shop.merchant_id, **fields, at=at)


@pytest.fixture
def bare_shop(add_shop):
    """A shop with no convention."""
    return add_shop(convention="none")


def test_a_convention_begins_as_a_draft_with_its_terms(session, bare_shop, at):
    assert current_convention(session, bare_shop.merchant_id, at) is None
    _draft(session, bare_shop, at)
    current = current_convention(session, bare_shop.merchant_id, at)
    assert (current.state, current.number) == ("draft", 1)
    assert current.parameters == {**TERMS, "accepts_partial": True}


def test_a_merchant_has_one_convention_at_a_time(session, bare_shop, at):
    _draft(session, bare_shop, at)
    with pytest.raises(ConventionExists):
        _draft(session, bare_shop, at)
    change_state(session, bare_shop.merchant_id, "terminated", reason="abandon", at=at)
    later = at + timedelta(days=1)
    _draft(session, bare_shop, later)
    assert current_convention(session, bare_shop.merchant_id, later).state == "draft"
    assert current_convention(session, bare_shop.merchant_id, at).state == "terminated"


@pytest.mark.parametrize(("before", "after"), list(itertools.product(WAY_TO, WAY_TO)))
def test_only_the_allowed_changes_of_state_are_made(session, bare_shop, at, before, after):
    _draft(session, bare_shop, at)
    for state in WAY_TO[before]:
        change_state(session, bare_shop.merchant_id, state, reason="essai", at=at)
    if (before, after) in ALLOWED:
        change_state(session, bare_shop.merchant_id, after, reason="essai", at=at)
        assert current_convention(session, bare_shop.merchant_id, at).state == after
    else:
        with pytest.raises(ConventionTransitionRefused) as refused:
            change_state(session, bare_shop.merchant_id, after, reason="essai", at=at)
        assert refused.value.figures == {"from_state": before, "to_state": after}
        assert current_convention(session, bare_shop.merchant_id, at).state == before


def test_the_state_is_the_one_of_the_moment_asked_for(session, bare_shop, at):
    _draft(session, bare_shop, at)
    day = timedelta(days=1)
    change_state(session, bare_shop.merchant_id, "active", reason="signée", at=at + day)
    change_state(session, bare_shop.merchant_id, "suspended", reason="contrôle", at=at + 2 * day)
    states = [
        current_convention(session, bare_shop.merchant_id, at + days * day).state
        for days in (0, 1, 1.5, 2, 9)
    ]
    assert states == ["draft", "active", "active", "suspended", "suspended"]
    assert current_convention(session, bare_shop.merchant_id, at - day) is None


def test_a_change_says_why_and_never_goes_back_in_time(session, bare_shop, at):
    _draft(session, bare_shop, at)
    with pytest.raises(ConventionChangeUnexplained):
        change_state(session, bare_shop.merchant_id, "active", reason=" ", at=at)
    with pytest.raises(ConventionChangeTooEarly):
        change_state(
            session, bare_shop.merchant_id, "active", reason="x", at=at - timedelta(seconds=1)
        )


def test_a_merchant_without_a_convention_has_no_state_to_change(session, bare_shop, at):
    with pytest.raises(ConventionMissing):
        change_state(session, bare_shop.merchant_id, "active", reason="x", at=at)


def test_nothing_is_agreed_with_nobody(session, scheme, at):
    nobody = uuid4()
    with pytest.raises(MerchantUnknown):
        draft_convention(
            session,
            merchant_id=nobody,
            parameters=TERMS,
            valid_from=at,
            valid_until=None,
            at=at,
        )
    with pytest.raises(ConventionMissing):
        amend_convention(session, nobody, parameters=TERMS, valid_from=at, valid_until=None, at=at)


def test_an_amendment_adds_a_version_and_leaves_the_first(session, bare_shop, test_database, at):
    convention = _draft(session, bare_shop, at)
    tomorrow = at + timedelta(days=1)
    amended = {**TERMS, "categories": ["books", "comics"]}
    amend_convention(
        session, convention, parameters=amended, valid_from=tomorrow, valid_until=None, at=at
    )
    today = current_convention(session, bare_shop.merchant_id, at)
    after = current_convention(session, bare_shop.merchant_id, tomorrow)
    assert (today.number, today.parameters["categories"]) == (1, ["books"])
    assert (after.number, after.parameters["categories"]) == (2, ["books", "comics"])


def test_no_terms_are_in_force_once_their_period_is_over(session, bare_shop, at):
    end = at + timedelta(days=30)
    _draft(session, bare_shop, at, valid_until=end)
    just_before = end - timedelta(microseconds=1)
    assert current_convention(session, bare_shop.merchant_id, just_before) is not None
    assert current_convention(session, bare_shop.merchant_id, end) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"categories": []}, "categories"),
        ({"categories": ["Books"]}, "categories"),
        ({"categories": ["books", "books"]}, "categories"),
        ({"max_purchase_cents": 0}, "max_purchase_cents"),
        ({"max_purchase_cents": 12.5}, "max_purchase_cents"),
        ({"max_purchase_cents": "5000"}, "max_purchase_cents"),
        ({"payment_delay_days": 31}, "payment_delay_days"),
        ({"payment_delay_days": 0}, "payment_delay_days"),
        ({"accepts_partial": "yes"}, "accepts_partial"),
        ({"discount": 10}, "discount"),
    ],
)
def test_wrong_terms_are_named_and_nothing_is_drafted(session, bare_shop, at, changed, field):
    with pytest.raises(ConventionParametersInvalid) as refused:
        _draft(session, bare_shop, at, parameters={**TERMS, **changed})
    assert list(refused.value.figures["fields"]) == [field]
    assert current_convention(session, bare_shop.merchant_id, at) is None


def test_a_missing_term_is_named(session, bare_shop, at):
    with pytest.raises(ConventionParametersInvalid) as refused:
        _draft(session, bare_shop, at, parameters={"categories": ["books"]})
    assert set(refused.value.figures["fields"]) == {"max_purchase_cents", "payment_delay_days"}


def test_two_changes_at_once_follow_one_another(database, add_shop, test_database, at):
    shop = add_shop(convention="active")
    refused = []
    start = threading.Barrier(2)

    def suspend():
        start.wait()
        try:
            with unit_of_work(database) as session:
                change_state(session, shop.merchant_id, "suspended", reason="contrôle", at=at)
        except ConventionTransitionRefused as error:
            refused.append(error.figures["from_state"])

    both = [threading.Thread(target=suspend) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=10)
    assert refused == ["suspended"]
    with psycopg.connect(test_database.url()) as connection:
        states = connection.execute(
            "SELECT number, to_state FROM merchants.convention_transition ORDER BY number"
        ).fetchall()
    assert states == [(1, "draft"), (2, "active"), (3, "suspended")]
