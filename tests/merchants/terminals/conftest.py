"""A terminal's key, and an application with the terminals' pages and API alone."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Blueprint, Flask, jsonify, request
from flask_smorest import Blueprint as ApiBlueprint
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from cardsvc.cards import create_issuer_key
from merchants.terminals import hooks
from merchants.terminals.codes import make_code
from merchants.terminals.enrol import enrol_terminal
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity, start_session
from sesame.platform.web import Registry, Shell, create_shell
from sesame.platform.web.errors import problem


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """Write the public half as a JWK by hand (RFC 7518, 6.2.1)."""
    numbers = key.public_key().public_numbers()

    def coordinate(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()

    return {"kty": "EC", "crv": "P-256", "x": coordinate(numbers.x), "y": coordinate(numbers.y)}


@pytest.fixture
def new_key() -> Callable[[], SimpleNamespace]:
    """Make a P-256 key: `private`, and `jwk` of its public half."""

    def make() -> SimpleNamespace:
        private = ec.generate_private_key(ec.SECP256R1())
        return SimpleNamespace(private=private, jwk=jwk_of(private))

    return make


@pytest.fixture
def code_for(database, settings, at: datetime) -> Callable[..., str]:
    """Make a code for a shop, committed."""

    def make(shop, at: datetime = at) -> str:
        with unit_of_work(database) as session:
            return make_code(session, settings, shop.site_id, at=at).code

    return make


@pytest.fixture
def add_terminal(database, settings, at, new_key, code_for) -> Callable[..., SimpleNamespace]:
    """Enrol a terminal of a shop, committed: `id`, and its `key`."""

    def add(shop, kind: str = "till") -> SimpleNamespace:
        key = new_key()
        with unit_of_work(database) as session:
            enrolled = enrol_terminal(
                session, settings, code=code_for(shop), public_key=key.jwk, kind=kind, at=at
            )
        return SimpleNamespace(id=enrolled.terminal_id, number=enrolled.number, key=key)

    return add


@pytest.fixture
def terminal(add_terminal, shop) -> SimpleNamespace:
    """The till of a bookshop with an active convention."""
    return add_terminal(shop)


@pytest.fixture
def make_app(settings, database, scheme, clock, at) -> Callable[..., Flask]:
    """Make the application; `more(registry)` may register what a test brings."""

    def make(more: Callable[[Registry], None] = lambda registry: None) -> Flask:
        with unit_of_work(database) as session:
            create_issuer_key(settings, session, at)
        registry = Registry()
        hooks.register(registry)
        registry.page(_test_sign_in())
        more(registry)
        return create_shell(Shell(settings, database, clock), registry)

    return make


def _test_sign_in() -> Blueprint:
    blueprint = Blueprint("test_sign_in", __name__)

    @blueprint.get("/test-sign-in/<uuid:identity>")
    def sign_in(identity: UUID) -> str:
        start_session(identity)
        return "signed in"

    return blueprint


@pytest.fixture
def add_staff(database, at) -> Callable[[str], UUID]:
    """Add somebody with a role, and give their id."""

    def add(role: str) -> UUID:
        with unit_of_work(database) as session:
            return create_identity(
                session,
                role=role,
                display_name="Camille Durand",
                login=f"{role}@region.example",
                password="a long enough password",
                at=at,
            )

    return add


@dataclass
class SignedRequest:
    """What the library reads of a request that came in."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Purchases:
    """The server's side of a sale, as docs/credential.md fixes it, for the till to speak to.

    The answer to a new key is the next of `answers`; a known key gets its first answer again. What
    came in is kept: `received` (every POST) and `looked_up` (every GET by key). Each request's
    signature is verified by a library that shares nothing with the till.
    """

    database: Any
    answers: list[dict[str, Any]] = field(default_factory=list)
    booked: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[SimpleNamespace] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def blueprint(self) -> ApiBlueprint:
        """Give the two resources."""
        api = ApiBlueprint("purchases", __name__, url_prefix="/api/v1/purchases")
        api.signed_by_terminal = True
        api.post("")(self.sell)
        api.get("/by-key/<key>")(self.look_up)
        return api

    def sell(self) -> Any:
        covered = ("@method", "@path", "content-digest", "idempotency-key")
        self._verify(covered)
        key = request.headers["Idempotency-Key"]
        self.received.append(SimpleNamespace(key=key, body=request.get_json()))
        if key not in self.booked:
            answer = self.answers.pop(0)
            if "problem" in answer:
                return problem(422, answer["problem"], answer["title"])
            self.booked[key] = answer
        return jsonify(self.booked[key]), 201

    def look_up(self, key: str) -> Any:
        self._verify(("@method", "@path"))
        self.looked_up.append(key)
        if key not in self.booked:
            return problem(404, "not_found", "?")
        return jsonify(self.booked[key])

    def _verify(self, covered: tuple[str, ...]) -> None:
        verifier = LabelledVerifier(
            signature_algorithm=algorithms.ECDSA_P256_SHA256,
            key_resolver=EnrolledKeys(self.database),
        )
        message = SignedRequest(request.method, request.url, dict(request.headers))
        (result,) = verifier.verify(
            message,
            body=request.get_data() or None,
            require_components=tuple(f'"{name}"' for name in covered),
            max_age=None,
        )
        assert tuple(result.covered_components)[:-1] == tuple(f'"{name}"' for name in covered)


class LabelledVerifier(HTTPMessageVerifier):
    """Our profile has a label and no tag."""

    allow_label_only_selection = True


class EnrolledKeys(HTTPSignatureKeyResolver):
    """The keys in the database, read by plain SQL."""

    def __init__(self, database):
        self._database = database

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        with self._database.sessions() as session:
            point = session.scalar(
                text("SELECT public_key FROM merchants.terminal WHERE id = :id"), {"id": key_id}
            )
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point))


@pytest.fixture
def purchases(database) -> Purchases:
    """The server's side of sales."""
    return Purchases(database)


@pytest.fixture
def address(make_app, purchases, serve) -> str:
    """Where the application answers, on loopback, while the test runs."""
    app = make_app(lambda registry: registry.api(purchases.blueprint()))
    return serve(app)


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the till in a browser of its own; `screen` are options of its context.

    A script that fails, or breaks the page's content policy, fails the test.
    """
    contexts, errors = [], []

    def start(browser: Browser = chromium, path: str = "/till", **screen: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "fr-FR", **screen}
        context = browser.new_context(base_url=address, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        page.goto(path)
        return page

    yield start
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def open_till(open_page, code_for, shop) -> Callable[..., Page]:
    """Open the till and enrol it by its code, through what is on the screen."""

    def start(of: Any = shop, **screen: Any) -> Page:
        page = open_page(**screen)
        page.locator("#code").fill(code_for(of))
        page.locator("#enrol-go").click()
        expect(page.locator("#enrol-go")).to_be_hidden()
        return page

    return start
