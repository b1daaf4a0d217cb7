"""Invented shops for the tests of every merchants' feature."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask_babel import Babel

from merchants.conventions.lifecycle import change_state, draft_convention
from merchants.directory.register import (
    postal_address,
    register_merchant,
    register_payee,
    register_site,
)
from sesame.platform.command import process
from sesame.platform.database import unit_of_work

AN_IBAN = "FR1420041010050500013M02606"


@dataclass(frozen=True)
class Shop:
    """A merchant with one site and one payee, committed."""

    merchant_id: UUID
    payee_id: UUID
    site_id: UUID
    siren: str
    siret: str


def with_luhn_key(body: str) -> str:
    """Give the digits with the one that satisfies Luhn, written apart from what is tested."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)


@pytest.fixture
def add_shop(database, scheme, at: datetime) -> Callable[..., Shop]:
    """Add an invented shop; convention: "none", "draft", "active" or "suspended"."""
    count = 0

    def add(
        name: str = "Librairie des Trois Ponts",
        *,
        convention: str = "active",
        categories: tuple[str, ...] = ("textbooks", "books", "comics"),
    ) -> Shop:
        nonlocal count
        count += 1
        siren = with_luhn_key(f"0009{count:04d}")
        siret = with_luhn_key(f"{siren}0001")
        with unit_of_work(database) as session:
            merchant_id = register_merchant(
                session, siren=siren, name=name, legal_form="5499", naf="47.61Z", at=at
            )
            payee_id = register_payee(
                session,
                merchant_id=merchant_id,
                holder=name,
                iban=AN_IBAN,
                bic=None,
                address=postal_address("12 bis rue des Halles", "63000", "Clermont"),
                at=at,
            )
            site_id = register_site(
                session,
                merchant_id=merchant_id,
                payee_id=payee_id,
                siret=siret,
                name=name,
                address_line="12 bis rue des Halles",
                postal_code="63000",
                town="Clermont",
                insee="63113",
                latitude=45.777,
                longitude=3.087,
                categories=list(categories),
                at=at,
            )
            if convention != "none":
                draft_convention(
                    session,
                    merchant_id=merchant_id,
                    parameters={
                        "categories": list(categories),
                        "max_purchase_cents": None,
                        "payment_delay_days": 30,
                    },
                    valid_from=at,
                    valid_until=None,
                    at=at,
                )
            if convention in ("active", "suspended"):
                change_state(session, merchant_id, "active", reason="signée", at=at)
            if convention == "suspended":
                change_state(session, merchant_id, "suspended", reason="contrôle", at=at)
        return Shop(merchant_id, payee_id, site_id, siren, siret)

    return add


@pytest.fixture
def shop(add_shop) -> Shop:
    """A bookshop with an active convention."""
    return add_shop()


@pytest.fixture
def run(settings, scheme, monkeypatch) -> Callable[..., Result]:
    """Run a command in this test's installation: `run(group, "code", "--site", …)`."""
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", settings.database_url)
    process.cache_clear()
    app = Flask("test")
    Babel(app, default_locale="fr")

    def invoke(group: click.Group, *arguments: str) -> Result:
        with app.app_context():
            return CliRunner().invoke(group, arguments)

    yield invoke
    process().database.dispose()
    process.cache_clear()
