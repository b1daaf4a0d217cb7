"""The panels as the shell draws them: for the young person, for the Region."""

from datetime import UTC, datetime

import pytest
from flask import Blueprint
from lxml import html

from cardsvc.programmes.granting import grant_or_wait
from cardsvc.programmes.hooks import register
from cardsvc.programmes.publishing import publish
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity, start_session
from sesame.platform.web import Registry, Shell, create_shell


@pytest.fixture
def browse(settings, database, clock, region):
    """Return a function that draws a place's panels for someone who is signed in."""
    registry = Registry()
    register(registry)
    app = create_shell(Shell(settings, database, clock), registry)
    app.testing = True

    @app.post("/test-sign-in/<uuid:identity>")
    def sign_in(identity):
        start_session(identity)
        return ""

    page = Blueprint("test_page", __name__)

    @page.get("/panels/<place>")
    def draw(place):
        return "".join(app.jinja_env.globals["panels"](place))

    app.register_blueprint(page)

    def run(place, role, subject_id=None, language="fr"):
        with unit_of_work(database) as session:
            identity = create_identity(
                session, role=role, subject_id=subject_id, display_name="Camille A.", at=clock.now()
            )
        app.config["WTF_CSRF_ENABLED"] = False
        client = app.test_client()
        client.post(f"/test-sign-in/{identity}")
        answer = client.get(f"/panels/{place}", headers={"Accept-Language": language})
        assert answer.status_code == 200
        return answer.text

    return run


@pytest.fixture
def holder(region, rules, database, at):
    """Someone with 70.00 € for textbooks."""
    region.funder()
    region.fund(100_000)
    person = region.person(status="lyceen", grade="premiere")
    with unit_of_work(database) as session:
        publish(session, rules(), by=None, at=at)
    return person


def words(fragment):
    return " ".join(html.fromstring(f"<div>{fragment}</div>").text_content().split())


def test_the_wallet_shows_what_is_left_until_when_and_for_what(browse, holder):
    drawn = browse("wallet", "beneficiary", holder)
    told = words(drawn)
    assert "Manuels scolaires" in told
    assert "jusqu'au 31 mai" in told
    assert told.lower().count("manuels scolaires") == 1
    assert "70,00\u00a0€" in drawn
    [bar] = html.fromstring(drawn).xpath("//progress")
    assert (bar.get("value"), bar.get("max")) == ("7000", "7000")
    assert "Il reste" in bar.get("aria-label")
    assert "style=" not in drawn


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2027, 5, 19, 10, tzinfo=UTC), "expire dans 12 jours"),
        (datetime(2027, 5, 30, 10, tzinfo=UTC), "expire demain soir"),
        (datetime(2027, 5, 31, 10, tzinfo=UTC), "expire ce soir"),
        (datetime(2026, 8, 20, 10, tzinfo=UTC), "à partir du 1 septembre"),
    ],
)
def test_the_wallet_says_when_it_matters(browse, holder, clock, moment, said):
    clock.at = moment
    assert said in words(browse("wallet", "beneficiary", holder))


def test_a_wallet_without_entitlements_teaches(browse, region):
    told = words(browse("wallet", "beneficiary", region.person()))
    assert "Tu n'as pas encore de droit" in told


@pytest.mark.parametrize("role", ["officer", "accountant", "auditor"])
def test_the_console_shows_the_envelopes(browse, holder, role):
    told = words(browse("console", role))
    assert "Manuels 2026-2027 · 1 personne" in told
    assert "Région Val-d'Ambre 100 %" in told
    assert "0 % pour 30 % du temps" in told


def test_the_console_says_who_waits_for_money(browse, holder, region, database, clock, at):
    assert "en attente" not in words(browse("console", "officer"))
    region.people(20, status="lyceen", grade="premiere")
    with unit_of_work(database) as session:
        grant_or_wait(session, region.one("SELECT id FROM cardsvc.programme_version"), at=at)
    assert "20 personnes en attente de crédits" in words(browse("console", "officer"))
    clock.at = datetime(2027, 6, 1, 10, tzinfo=UTC)
    assert "en attente" not in words(browse("console", "officer"))


def test_a_console_without_a_programme_says_how_to_begin(browse):
    assert "Aucun dispositif n'est publié" in words(browse("console", "officer"))


def test_nobody_else_sees_the_envelopes(browse, holder):
    assert browse("console", "merchant") == ""
