"""An envelope never goes below zero, unless it says how far it may."""

import pytest

from cardsvc.programmes.envelopes import open_envelope
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.reasons import EnvelopeExists, EnvelopeInsufficient
from ledger.reasons import AmountOutOfRange
from sesame.platform.database import unit_of_work

from .conftest import A_FILE, DEPARTMENT

SHARED = [{"funder": "region", "share": "60"}, {"funder": "departement", "share": "40"}]


@pytest.fixture
def open_owing(region, database, at):
    """A Region that has paid before, and a Department that may owe."""
    region.funder()
    region.funder(DEPARTMENT)
    region.fund(100_000)
    region.people(3, status="lyceen", grade="seconde")

    def open_it(may_owe_cents):
        with unit_of_work(database) as session:
            return open_envelope(
                session,
                funder="departement",
                programme=A_FILE["programme"],
                may_owe_cents=may_owe_cents,
                at=at,
            )

    return open_it


def published(database, rules, at):
    with unit_of_work(database) as session:
        publish(session, rules(funders=SHARED), by=None, at=at)


def test_the_departments_part_is_owed_as_far_as_it_may(open_owing, region, database, rules, at):
    open_owing(8_400)
    published(database, rules, at)
    assert region.envelope_balance("departement") == -8_400
    assert region.envelope_balance("region") == 100_000 - 12_600


def test_a_cent_more_is_refused(open_owing, region, database, rules, at):
    open_owing(8_399)
    with pytest.raises(EnvelopeInsufficient):
        published(database, rules, at)
    assert region.envelope_balance("departement") == 0


def test_what_it_may_owe_is_said_once(open_owing):
    assert open_owing(8_400) == open_owing(8_400)
    with pytest.raises(EnvelopeExists):
        open_owing(8_401)


@pytest.mark.parametrize("cents", [-1, 2**63])
def test_an_amount_out_of_range_opens_nothing(open_owing, region, cents):
    with pytest.raises(AmountOutOfRange):
        open_owing(cents)
    assert region.one("SELECT count(*) FROM cardsvc.envelope") == 1
