"""What a beneficiary is shown, and what the console is shown of the envelopes."""

from datetime import UTC, date, datetime

import pytest

from cardsvc.programmes.figures import envelope_views
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.wallet import entitlements_for_wallet
from ledger.accounts import open_account
from ledger.transfers import NewTransfer, post
from sesame.platform.ids import uuid7


@pytest.fixture
def holder(region, rules, session, at, content):
    """Someone with textbooks (70.00 €) and books (20.00 €)."""
    region.funder()
    region.fund(100_000)
    person = region.person(status="lyceen", grade="premiere")
    books = {
        **content["lines"][0],
        "id": "lecture",
        "name": {"fr": "Lecture plaisir", "en": "Reading"},
        "amount": "20.00",
        "categories": ["books", "comics"],
    }
    publish(session, rules(lines=[*content["lines"], books]), by=None, at=at)
    return person


def spend(session, view, amount_cents, at):
    [account] = [
        account
        for account, entitlement in session.connection().exec_driver_sql(
            "SELECT account_id, id FROM cardsvc.entitlement"
        )
        if entitlement == view.id
    ]
    payable = open_account(session, kind="payable", guarded=False, at=at)
    capture = NewTransfer(uuid7(at), account, payable, amount_cents, "capture", uuid7(at), at)
    post(session, [capture], at=at)


def test_the_wallet_says_what_is_left_until_when_and_for_what(holder, session, at):
    first, second = entitlements_for_wallet(session, holder, at, "fr")
    assert (first.name, first.left_cents, first.granted_cents) == ("Manuels scolaires", 7000, 7000)
    assert first.buys == ("manuels scolaires",)
    assert first.last_day == date(2027, 5, 31)
    assert (first.begins_in_days, first.ends_in_days, first.expires_soon) == (0, 188, False)
    assert second.buys == ("livres", "bandes dessinées")
    assert [each.name for each in entitlements_for_wallet(session, holder, at, "en")] == [
        "Textbooks",
        "Reading",
    ]


def test_what_was_spent_is_no_longer_left_and_an_empty_one_comes_last(holder, session, at):
    first, second = entitlements_for_wallet(session, holder, at, "fr")
    spend(session, second, 1240, at)
    spend(session, first, 7000, at)
    now = entitlements_for_wallet(session, holder, at, "fr")
    assert [(each.name, each.left_cents) for each in now] == [
        ("Lecture plaisir", 760),
        ("Manuels scolaires", 0),
    ]


@pytest.mark.parametrize(
    ("at_end", "days", "soon"),
    [
        (datetime(2027, 4, 30, 10, tzinfo=UTC), 31, False),
        (datetime(2027, 5, 1, 10, tzinfo=UTC), 30, True),
        (datetime(2027, 5, 31, 21, 59, tzinfo=UTC), 0, True),
    ],
)
def test_an_entitlement_expires_soon_within_thirty_days(holder, session, at_end, days, soon):
    view = entitlements_for_wallet(session, holder, at_end, "fr")[0]
    assert (view.ends_in_days, view.expires_soon) == (days, soon)


def test_a_season_that_is_over_is_no_longer_shown(holder, session):
    after = datetime(2027, 5, 31, 22, 0, tzinfo=UTC)
    assert entitlements_for_wallet(session, holder, after, "fr") == []


def test_nothing_is_shown_of_somebody_else(holder, region, session, at):
    other = region.person()
    assert entitlements_for_wallet(session, other, at, "fr") == []


def test_the_console_sees_what_was_granted_spent_and_is_left(holder, session, at):
    view = entitlements_for_wallet(session, holder, at, "fr")[0]
    spend(session, view, 4500, at)
    [envelope] = envelope_views(session, at)
    assert (envelope.name, envelope.season, envelope.people) == ("Manuels", "2026-2027", 1)
    assert envelope.funders == (("Région Val-d'Ambre", "100"),)
    assert (envelope.granted_cents, envelope.spent_cents, envelope.left_cents) == (9000, 4500, 4500)
    assert (envelope.unallocated_cents, envelope.spent_percent) == (91_000, 50)
    # 84 days of 273 have passed on 24 November.
    assert envelope.elapsed_percent == 30


def test_the_console_sees_a_published_programme_that_nobody_gets(region, rules, session, at):
    region.funder()
    region.fund(100)
    publish(session, rules(), by=None, at=at)
    [envelope] = envelope_views(session, at)
    assert (envelope.people, envelope.granted_cents, envelope.spent_percent) == (0, 0, 0)
