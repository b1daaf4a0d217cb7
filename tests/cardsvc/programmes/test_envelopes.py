"""Funders, and the money that they set aside."""

import pytest

from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope, paying_envelopes
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.reasons import (
    FunderExists,
    FunderInvalid,
    FunderUnknown,
    ProgrammeSlugInvalid,
)
from ledger.reasons import AmountOutOfRange
from sesame.platform.database import unit_of_work
from sesame.platform.problems import IdempotencyConflict

PARTICULARS = {
    "code": "region",
    "name": "Région Val-d'Ambre",
    "siren": "732829320",
    "iban": "FR76 3000 6000 0112 3456 7890 189",
    "bic": "AGRIFRPPXXX",
}
NOWHERE = Address(None, None, None)


@pytest.fixture
def fund(database, at):
    """Return a function that funds an envelope in a unit of work of its own."""

    def run(amount_cents=5_000, key="budget-2026", programme="manuels-ambre", funder="region"):
        with unit_of_work(database) as session:
            return fund_envelope(
                session,
                funder=funder,
                programme=programme,
                amount_cents=amount_cents,
                key=key,
                at=at,
            )

    return run


def test_a_funder_is_added_once(session, at):
    first = add_funder(session, **PARTICULARS, address=NOWHERE, at=at)
    assert add_funder(session, **PARTICULARS, address=NOWHERE, at=at) == first
    with pytest.raises(FunderExists):
        add_funder(session, **{**PARTICULARS, "name": "Autre"}, address=NOWHERE, at=at)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "Région"),
        ("name", "  "),
        ("siren", "732829321"),
        ("iban", "FR7630006000011234567890188"),
        ("iban", "FR7630006000011234567890180"),
        ("bic", "AGRI"),
    ],
)
def test_wrong_particulars_are_named(session, region, at, field, value):
    with pytest.raises(FunderInvalid) as refused:
        add_funder(session, **{**PARTICULARS, field: value}, address=NOWHERE, at=at)
    assert refused.value.figures == {"field": field}
    session.rollback()
    assert region.one("SELECT count(*) FROM cardsvc.funder") == 0
    assert region.one("SELECT count(*) FROM ledger.account") == 0


def test_funding_moves_money_from_the_funder_to_the_envelope(region, fund):
    region.funder()
    assert fund(5_000).balance_cents == 5_000
    assert fund(2_500, key="budget-more").balance_cents == 7_500
    assert region.envelope_balance() == 7_500
    funding = region.one("SELECT funding_account_id FROM cardsvc.funder")
    assert region.balance(funding) == -7_500


def test_the_same_key_moves_nothing_more(region, fund):
    region.funder()
    first = fund()
    assert fund() == first
    assert region.envelope_balance() == 5_000


def test_the_same_key_for_another_amount_is_a_conflict(region, fund):
    region.funder()
    fund()
    with pytest.raises(IdempotencyConflict):
        fund(6_000)
    assert region.envelope_balance() == 5_000


@pytest.mark.parametrize("amount_cents", [0, -1, 2**53])
def test_an_amount_out_of_range_moves_nothing(region, fund, amount_cents):
    region.funder()
    with pytest.raises(AmountOutOfRange):
        fund(amount_cents)
    assert region.one("SELECT count(*) FROM ledger.transfer") == 0
    assert region.one("SELECT count(*) FROM cardsvc.envelope") == 0


def test_an_unknown_funder_or_a_wrong_name_is_refused(region, fund):
    with pytest.raises(FunderUnknown):
        fund()
    region.funder()
    with pytest.raises(ProgrammeSlugInvalid):
        fund(programme="Manuels !")
    assert region.one("SELECT count(*) FROM cardsvc.programme") == 0


def test_an_envelope_pays_once_a_programme_says_so(region, fund, session, rules, at):
    region.funder()
    fund()
    assert paying_envelopes(session) == {}
    publish(session, rules(), by=None, at=at)
    [(envelope_id, paying)] = paying_envelopes(session).items()
    assert envelope_id == paying.envelope_id
    assert (paying.funder_code, paying.regime) == ("region", "mandate")
    assert paying.iban == "FR7630006000011234567890189"
    assert paying.address == Address("1 place de l'Ambre", "99000", "Ambreville", "FR")
