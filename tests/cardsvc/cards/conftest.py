"""Young people, the scheme's signing key, and an application with the cards' pages alone."""

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Blueprint, Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from cardsvc.cards import create_issuer_key, hooks
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity, start_session
from sesame.platform.web import Registry, Shell, create_shell

# How long a page may take to show something; generous, for machines that do much else at once.
expect.set_options(timeout=15_000)


@pytest.fixture
def issuer_key_id(settings, database, scheme, at) -> str:
    """The id of the scheme's signing key, made and committed."""
    with unit_of_work(database) as session:
        return create_issuer_key(settings, session, at)


@pytest.fixture
def add_beneficiary(database, scheme, at) -> Callable[..., UUID]:
    """Add an invented young person, committed, and give their id."""

    def add(given_name: str = "ZOÉ", family_name: str = "EXEMPLE") -> UUID:
        person = uuid4()
        with unit_of_work(database) as session:
            session.execute(
                text(
                    "INSERT INTO cardsvc.beneficiary (id, family_name, given_name, birth_date, "
                    "created_at) VALUES (:id, :family_name, :given_name, '2009-03-14', :at)"
                ),
                {"id": person, "family_name": family_name, "given_name": given_name, "at": at},
            )
            for name, value in (("status", "lyceen"), ("school_year", "2026")):
                session.execute(
                    text(
                        "INSERT INTO cardsvc.fact (id, beneficiary_id, name, value, source, "
                        "valid_from, recorded_at) "
                        "VALUES (:id, :person, :name, :value, 'test', '2026-09-01', :at)"
                    ),
                    {"id": uuid4(), "person": person, "name": name, "value": value, "at": at},
                )
        return person

    return add


@pytest.fixture
def beneficiary(add_beneficiary) -> UUID:
    """Zoé E., lycéenne, who has no card yet."""
    return add_beneficiary()


def jwk_of(public_key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Write a JWK by hand (RFC 7518, 6.2.1), as a browser exports it."""
    numbers = public_key.public_numbers()

    def coordinate(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()

    return {
        "kty": "EC",
        "crv": "P-256",
        "x": coordinate(numbers.x),
        "y": coordinate(numbers.y),
        "ext": True,
        "key_ops": ["verify"],
    }


@pytest.fixture
def new_phone() -> Callable[[], SimpleNamespace]:
    """Make a phone: its private key, and the public one as a browser exports it."""

    def make() -> SimpleNamespace:
        key = ec.generate_private_key(ec.SECP256R1())
        return SimpleNamespace(key=key, jwk=jwk_of(key.public_key()))

    return make


@pytest.fixture
def app(settings, database, clock, scheme) -> Flask:
    """The shell with the cards' pages, and a door for tests: /test/sign-in/<identity>."""
    door = Blueprint("door", __name__)

    @door.get("/test/sign-in/<uuid:identity_id>")
    def enter(identity_id: UUID) -> str:
        start_session(identity_id)
        # An icon of its own: the browser's request for one would start a second session at once.
        return '<!doctype html><link rel="icon" href="data:,">signed in'

    registry = Registry()
    hooks.register(registry)
    registry.page(door)
    made = create_shell(Shell(settings, database, clock), registry)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def sign_in_as(database, at: datetime) -> Callable[..., UUID]:
    """Make an identity, committed, and give its id for the tests' door."""

    def make(role: str, subject_id: UUID | None) -> UUID:
        with unit_of_work(database) as session:
            return create_identity(
                session, role=role, subject_id=subject_id, display_name="Zoé E.", at=at
            )

    return make


@pytest.fixture
def address(app: Flask, serve: Callable[[Flask], str]) -> str:
    """Where the application answers, on loopback, while the test runs."""
    return serve(app)


@pytest.fixture
def open_phone(chromium: Browser, address: str, at: datetime) -> Iterator[Callable[..., Page]]:
    """Give a phone's browser, signed in as an identity, whose clock stands still at `at`.

    `screen` are more options of the browser's context. A page that logs an error fails the test.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def start(identity_id: UUID, **screen: Any) -> Page:
        options = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, **screen}
        context = chromium.new_context(locale="fr-FR", base_url=address, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.clock.install(time=at - timedelta(seconds=1))
        page.clock.pause_at(at)  # from here on, time passes when the test says so
        page.goto(f"/test/sign-in/{identity_id}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert errors == []
