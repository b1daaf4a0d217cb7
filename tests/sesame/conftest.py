"""The web shell with the pages of the platform and of the top, and invented rooms around them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from flask import Blueprint, Flask, flash, render_template_string
from flask.testing import FlaskClient
from lxml import html
from markupsafe import Markup
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.test import TestResponse

from sesame.app import hooks as app_hooks
from sesame.platform.clock import MovableClock
from sesame.platform.database import Database, unit_of_work
from sesame.platform.identity import create_identity, requires
from sesame.platform.identity import hooks as identity_hooks
from sesame.platform.problems import NotAllowed, Reason, SesameError, declare
from sesame.platform.scheme import Scheme
from sesame.platform.settings import Settings
from sesame.platform.web import Registry, Shell, create_shell

PASSWORD = "une longue phrase que je retiens"
STAFF = ("officer", "accountant", "auditor")


class DoorJammed(SesameError):
    """An invented refusal, with a sentence for the young person."""

    reason = declare(
        Reason(
            "door_jammed",
            409,
            "La porte est bloquée : poussez.",
            holder="La porte est bloquée : pousse.",
        )
    )


def invented_room() -> Blueprint:  # noqa: C901  one small view after another
    """Pages that a room would give: one for each audience, and some that go wrong."""
    room = Blueprint("room", __name__)

    def page(audience: str, title: str, body: str) -> str:
        return render_template_string(
            "{% extends 'layout.html' %}{% block title %}{{ title }}{% endblock %}"
            "{% block main %}<h1>{{ title }}</h1>{{ body }}{% endblock %}",
            audience=audience,
            title=title,
            body=Markup(body),
        )

    @room.get("/enrol")
    def enrol() -> str:
        return page("", "Activer ma carte", "<p>Ton code.</p>")

    @room.get("/till")
    def till() -> str:
        return page("", "Caisse", "<p>Montant</p>")

    @room.get("/wallet")
    @requires("beneficiary")
    def wallet() -> str:
        return page("wallet", "Ma carte", WALLET)

    @room.get("/wallet/purchases")
    @requires("beneficiary")
    def purchases() -> str:
        return page("wallet", "Mes achats", "<p>Aucun achat.</p>")

    @room.get("/school")
    @requires("school")
    def school() -> str:
        return page("school", "Base élèves", "<p>À jour.</p>")

    @room.get("/console/runs")
    @requires(*STAFF)
    def runs() -> str:
        flash("La campagne est approuvée.", "ok")
        return page("console", "Remboursements", "<p>Une campagne.</p>")

    @room.get("/console/runs/first")
    @requires(*STAFF)
    def first_run() -> str:
        return page("console", "Première campagne", "<p>214 virements.</p>")

    @room.get("/jammed")
    def jammed() -> str:
        raise DoorJammed()

    @room.get("/broken")
    def broken() -> str:
        raise RuntimeError("Camille Durand, née le 3 mai 2009")

    @room.post("/forbidden")
    def forbidden() -> str:
        raise NotAllowed()

    @room.get("/planted")
    def planted() -> str:
        return (Path(__file__).parent / "platform" / "web" / "planted.html").read_text("utf-8")

    return room


TODO = (
    '<a class="panel" href="/console/runs"><b class="num">1</b>campagne de remboursement à approuver<br>'
    '<span class="soft num">214 virements · 38&nbsp;412,60&nbsp;€</span></a>',
    '<a class="panel" href="/console/runs"><b class="num">6</b>conventions à relire<br>'
    '<span class="soft">la plus ancienne : 3&nbsp;h</span></a>',
    '<a class="panel" href="/console/runs"><b class="num">2</b>demandes proches du délai légal<br>'
    '<span class="tag warn">avant jeudi</span></a>',
)
ENVELOPES = """<section class="panel"><h2 id="envelopes">Enveloppes</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="envelopes"><table>
<thead><tr><th>Dispositif</th><th>Financeurs</th><th class="n">Attribué</th><th class="n">Dépensé</th>
<th>Rythme</th></tr></thead><tbody>
<tr><td>Manuels 2026</td><td>Région 100&nbsp;%</td><td class="n">25,9&nbsp;M€</td>
<td class="n">18,2&nbsp;M€</td>
<td><progress class="bar" value="70" max="100" aria-label="Rythme : 70 %"></progress></td></tr>
<tr><td>Cinéma</td><td>Région 60 · Dép. 40</td><td class="n">1,1&nbsp;M€</td><td class="n">0,3&nbsp;M€</td>
<td><progress class="bar warn" value="27" max="100" aria-label="Rythme : 27 %"></progress></td></tr>
</tbody></table></div></section>"""
PURCHASES = """<section class="panel"><h2>Achats, 14 jours</h2>
<svg class="chart" viewBox="0 0 120 60" role="img" aria-label="Achats par jour, de 2 100 à 6 480">
<rect x="2" y="30" width="16" height="28" rx="3"/><rect x="26" y="14" width="16" height="44" rx="3"/>
<rect class="now" x="50" y="6" width="16" height="52" rx="3"/><line x1="0" x2="120" y1="59" y2="59"/>
</svg><p class="soft">Délai médian : <strong>0,8 jour</strong></p></section>"""
WALLET = """<ul class="rights"><li class="panel"><span class="ico" aria-hidden="true"></span>
<span><strong>Manuels scolaires</strong><br><span class="soft">jusqu'au 31 mai</span></span>
<span class="left num">57,60&nbsp;€</span>
<progress class="bar" value="5760" max="7000" aria-label="Reste 57,60 € sur 70,00 €"></progress></li>
</ul>"""


@dataclass
class Panels:
    """What the invented rooms draw on the console's first page; a test may empty it."""

    todo: list[str] = field(default_factory=lambda: list(TODO))
    standing: list[str] = field(default_factory=lambda: [ENVELOPES, PURCHASES])


@pytest.fixture
def panels() -> Panels:
    """The panels of the console's first page."""
    return Panels()


@pytest.fixture
def app(
    settings: Settings, database: Database, clock: MovableClock, scheme: Scheme, panels: Panels
) -> Flask:
    """The application: sign-in, front page, console and the invented room."""
    registry = Registry()
    identity_hooks.register(registry)
    app_hooks.register(registry)
    registry.page(invented_room())
    registry.menu("console", "Remboursements", "room.runs", icon="euro", order=5, roles=STAFF)
    for order, (label, endpoint, icon) in enumerate(
        (("Ma carte", "room.wallet", "credit-card"), ("Mes achats", "room.purchases", "history"))
    ):
        registry.menu("wallet", label, endpoint, icon=icon, order=order, roles=["beneficiary"])
    registry.menu(
        "school", "Base élèves", "room.school", icon="graduation-cap", order=0, roles=["school"]
    )
    for number in range(3):
        registry.panel("console_todo", _panel(panels, "todo", number), order=number, roles=STAFF)
        registry.panel("console", _panel(panels, "standing", number), order=number, roles=STAFF)
    return create_shell(Shell(settings, database, clock), registry)


def _panel(panels: Panels, place: str, number: int) -> Callable[[], str | None]:
    def render() -> str | None:
        drawn: list[str] = getattr(panels, place)
        return drawn[number] if number < len(drawn) else None

    return render


class Visitor(FlaskClient):
    """A browser without scripts: reads pages, fills the forms that they show."""

    def read(self, path: str) -> html.HtmlElement:
        """Return the parsed page at `path`."""
        return html.fromstring(self.get(path).get_data(as_text=True))

    def submit(self, path: str, action: str, **fields: str) -> TestResponse:
        """Fill the form of the page at `path` that posts to `action`, and send it."""
        (form,) = self.read(path).xpath("//form[@action=$action]", action=action)
        return self.post(action, data={**dict(form.form_values()), **fields})

    def sign_in(
        self, login: str, password: str = PASSWORD, *, at: str = "/sign-in"
    ) -> TestResponse:
        """Sign in through the form."""
        return self.submit(at, "/sign-in", login=login, password=password)


@pytest.fixture
def client(app: Flask) -> Visitor:
    """A French browser that keeps its cookies."""
    app.test_client_class = Visitor
    made = app.test_client()
    assert isinstance(made, Visitor)
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    return made


@pytest.fixture
def add_person(database: Database, scheme: Scheme, at: datetime) -> Callable[[str], UUID]:
    """Return a function that adds somebody with a role, whose login is the role's name."""

    def add(role: str) -> UUID:
        with unit_of_work(database) as session:
            return create_identity(
                session,
                role=role,
                display_name="Camille Durand",
                login=role,
                password=PASSWORD,
                at=at,
            )

    return add


@pytest.fixture
def site(app: Flask, serve: Callable[[Flask], str]) -> str:
    """The application served on loopback; its address."""
    return serve(app)


@dataclass
class Look:
    """Opens pages of the site as somebody, at a width, by day or by night."""

    browser: Browser
    site: str
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, *, width: int = 1280, scheme: str = "light", language: str = "fr") -> Page:
        """Return a new browser window."""
        context = self.browser.new_context(
            base_url=self.site,
            viewport={"width": width, "height": 844 if width < 640 else 800},
            color_scheme="dark" if scheme == "dark" else "light",
            locale=language,
        )
        self.contexts.append(context)
        return context.new_page()


@pytest.fixture
def look(chromium: Browser, site: str) -> Iterator[Look]:
    """A look at the served site."""
    opened = Look(chromium, site)
    yield opened
    for context in opened.contexts:
        context.close()
