"""Staff read whose envelope an account is and which line it is for; never who holds it."""

from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from cardsvc.programmes.checking import check
from cardsvc.programmes.explaining_accounts import (
    explain_entitlements,
    explain_envelopes,
    explain_funding,
)
from cardsvc.programmes.publishing import publish
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


@pytest.fixture
def speaking():
    """An application whose pages are in French unless told otherwise."""
    app = Flask("test")
    Babel(app, default_locale="fr")
    with app.app_context():
        yield


def explained(region, explainer, query):
    known = [row[0] for row in region.sql(query)]
    with region.database.sessions() as session:
        found = explainer(session, [*known, uuid7(region.at)])
    assert set(found) == set(known)
    return list(found.values())


def test_an_account_is_called_by_its_funder_and_programme(region, write, content, speaking):
    region.funder()
    region.fund(100_000)
    (before,) = explained(region, explain_envelopes, "SELECT account_id FROM cardsvc.envelope")
    assert (before.title, before.detail, before.until) == (
        "Région Val-d'Ambre · manuels-ambre", "", None,
    )  # fmt: skip
    region.person(status="lyceen", grade="seconde")
    with unit_of_work(region.database) as session:
        publish(session, check(write(content)), by=None, at=region.at)
    (envelope,) = explained(region, explain_envelopes, "SELECT account_id FROM cardsvc.envelope")
    assert (envelope.title, envelope.detail, envelope.until) == (
        "Région Val-d'Ambre · Manuels", "paie les partenaires", date(2027, 5, 31),
    )  # fmt: skip
    (funding,) = explained(region, explain_funding, "SELECT funding_account_id FROM cardsvc.funder")
    assert funding.title == "Région Val-d'Ambre"
    query = "SELECT account_id FROM cardsvc.entitlement"
    (right,) = explained(region, explain_entitlements, query)
    assert (right.title, right.detail) == ("Manuels scolaires", "Manuels · 2026-2027")
    assert "Camille" not in repr(right)
    with force_locale("en"):
        (right,) = explained(region, explain_entitlements, query)
    assert (right.title, right.detail) == ("Textbooks", "Textbooks · 2026-2027")
