"""A region to buy in: ten thousand young people with phones, forty bookshops with tills.

People, cards, phones and tokens are written in bulk with the rooms' own models and functions; the
programme is checked, published and granted as any other; shops sign up one by one.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from stdnum import luhn

from cardsvc.cards.issue import token_expiry
from cardsvc.cards.issuer import create_issuer_key, signing_key
from cardsvc.cards.life import card_number
from cardsvc.cards.model import Card, PhoneKey, Token
from cardsvc.cards.status_index import status_index
from cardsvc.credential.keys import public_key_to_jwk, thumbprint
from cardsvc.credential.token import issue_token
from cardsvc.people.facts import StatedFact, record_facts
from cardsvc.people.model import Beneficiary
from cardsvc.programmes.checking import check
from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope
from cardsvc.programmes.publishing import publish
from merchants.conventions.lifecycle import change_state, draft_convention
from merchants.directory.register import (
    postal_address,
    register_merchant,
    register_payee,
    register_site,
)
from merchants.terminals.codes import make_code
from merchants.terminals.enrol import enrol_terminal
from sesame.platform.database import Database, unit_of_work
from sesame.platform.ids import uuid7
from sesame.platform.keys import secret_bytes
from sesame.platform.scheme import create_scheme
from sesame.platform.settings import Settings

PEOPLE = 10_000
SHOPS = 40
CATEGORIES = ["textbooks", "books", "comics"]
PROGRAMME = """\
format: 1
programme: livres
name: {fr: Livres, en: Books}
description: {fr: Des livres., en: Books.}
season: {name: bench, from: "%(first)s", until: "%(last)s", grace_until: "%(grace)s"}
priority: 100
eligibility:
  status: [lyceen]
lines:
  - id: manuels
    name: {fr: Manuels, en: Textbooks}
    amount: "700.00"
    categories: [textbooks]
    caps: {per_purchase: "60.00", per_day: "500.00"}
  - id: lecture
    name: {fr: Lecture, en: Reading}
    amount: "200.00"
    categories: [books, comics]
    caps: {per_day: "150.00"}
  - id: bd
    name: {fr: BD, en: Comics}
    amount: "100.00"
    categories: [comics]
    caps: {unit_price: "8.00"}
funders:
  - {funder: region, share: "100"}
paying_body: region
regime: mandate
"""


@dataclass(frozen=True)
class Phone:
    """What someone's phone holds: its key and the token that it was given."""

    key: ec.EllipticCurvePrivateKey
    token: bytes


@dataclass(frozen=True)
class Till:
    """A terminal of a shop and its key."""

    id: UUID
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Region:
    """Who buys and who sells."""

    phones: list[Phone]
    tills: list[Till]


def settle_region(
    database: Database, settings: Settings, at: datetime, people: int = PEOPLE, shops: int = SHOPS
) -> Region:
    """Fill an empty installation and return the keys that its people and shops hold.

    The envelope holds enough for ten thousand people, or for a hundred times as many as there are.
    """
    with unit_of_work(database) as session:
        create_scheme(
            session, name="Banc d'essai", issuer="FR-BE", zone="Europe/Paris",
            kind="demonstration", at=at,
        )  # fmt: skip
        create_issuer_key(settings, session, at)
        holders = add_people(session, at, people)
        _publish(session, at, fund_cents=max(PEOPLE, 100 * people) * 100_000)
        phones = _give_phones(session, settings, holders, at)
        tills = [_open_shop(session, settings, number, at) for number in range(shops)]
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return Region(phones, tills)


def add_people(session: Session, at: datetime, count: int, first: int = 0) -> list[UUID]:
    """Add `count` people who are eligible, numbered from `first`; return their ids."""
    people = [uuid7(at) for _ in range(count)]
    session.execute(
        insert(Beneficiary),
        [
            {
                "id": person, "ine": f"{number:09d}ZZ", "family_name": "EXEMPLE",
                "usual_name": None, "given_name": "Zoé", "birth_date": date(2010, 2, 3),
                "created_at": at,
            }
            for number, person in enumerate(people, first)
        ],
    )  # fmt: skip
    facts = {"status": "lyceen", "grade": "premiere", "school": "0690026D", "department": "69"}
    record_facts(
        session,
        [StatedFact(person, name, value) for person in people for name, value in facts.items()],
        source="roll:0690026D",
        on=at.date() - timedelta(days=30),
        at=at,
    )
    return people


def _publish(session: Session, at: datetime, fund_cents: int) -> None:
    add_funder(
        session, code="region", name="Région du banc d'essai", siren="000400010",
        iban="FR7630001007941234567890185", bic="BDFEFRPP",
        address=Address("1 place de l'Ambre", "63200", "Riom"), at=at,
    )  # fmt: skip
    fund_envelope(
        session, funder="region", programme="livres", amount_cents=fund_cents,
        key="fund-000001", at=at,
    )  # fmt: skip
    today = at.date()
    season = {
        "first": today - timedelta(days=60),
        "last": today + timedelta(days=200),
        "grace": today + timedelta(days=230),
    }
    publish(session, check((PROGRAMME % season).encode()), by=None, at=at)


def _give_phones(
    session: Session, settings: Settings, people: list[UUID], at: datetime
) -> list[Phone]:
    issuer_key = signing_key(settings, session)
    shuffle = secret_bytes(settings, "status-index")
    issued_at = at.replace(microsecond=0)
    numbers = session.scalars(
        text("SELECT nextval('cardsvc.token_number') FROM generate_series(1, :n)"),
        {"n": len(people)},
    ).all()
    cards, phone_keys, tokens, phones = [], [], [], []
    for person, number, card_number_ in zip(people, numbers, _card_numbers(), strict=False):
        key = ec.generate_private_key(ec.SECP256R1())
        public_key = key.public_key()
        card_id, phone_key_id = uuid7(at), uuid7(at)
        token_id, index = secrets.token_bytes(16), status_index(shuffle, number)
        cards.append(
            {
                "id": card_id, "beneficiary_id": person, "number": card_number_,
                "state": "active", "opened_at": at,
            }
        )  # fmt: skip
        phone_keys.append(
            {
                "id": phone_key_id, "card_id": card_id, "slot": 1, "state": "active",
                "public_jwk": public_key_to_jwk(public_key), "thumbprint": thumbprint(public_key),
                "enrolled_at": at, "revoked_at": None,
            }
        )  # fmt: skip
        tokens.append(
            {
                "token_id": token_id, "card_id": card_id, "phone_key_id": phone_key_id,
                "status_index": index, "issuer_key_id": issuer_key.key_id.hex(),
                "issued_at": issued_at, "expires_at": token_expiry(at),
            }
        )  # fmt: skip
        signed = issue_token(
            issuer_key, token_id=token_id, holder_public_key=public_key, status_index=index,
            issued_at=issued_at, expires_at=token_expiry(at),
        )  # fmt: skip
        phones.append(Phone(key, signed))
    session.execute(insert(Card), cards)
    session.execute(insert(PhoneKey), phone_keys)
    session.execute(insert(Token), tokens)
    return phones


def _card_numbers() -> Iterator[str]:
    drawn: set[str] = set()
    while True:
        number = card_number()
        if number not in drawn:
            drawn.add(number)
            yield number


def _open_shop(session: Session, settings: Settings, number: int, at: datetime) -> Till:
    siren = _with_check(f"{73282000 + number}")
    name = f"Librairie {number}"
    merchant_id = register_merchant(
        session, siren=siren, name=name, legal_form="SARL", naf="47.61Z", at=at
    )
    payee_id = register_payee(
        session, merchant_id=merchant_id, holder=name, iban="FR7630006000011234567890189",
        bic="AGRIFRPP", address=postal_address("3 rue du Pont", "69001", "Lyon"), at=at,
    )  # fmt: skip
    site_id = register_site(
        session, merchant_id=merchant_id, payee_id=payee_id, siret=_with_check(f"{siren}0001"),
        name=name, address_line="3 rue du Pont", postal_code="69001", town="Lyon", insee="69381",
        latitude=45.76, longitude=4.83, categories=CATEGORIES, at=at,
    )  # fmt: skip
    draft_convention(
        session,
        merchant_id=merchant_id,
        parameters={
            "categories": CATEGORIES, "max_purchase_cents": 15_000, "payment_delay_days": 7,
        },
        valid_from=at,
        valid_until=None,
        at=at,
    )  # fmt: skip
    change_state(session, merchant_id, "active", reason="signed", at=at)
    key = ec.generate_private_key(ec.SECP256R1())
    code = make_code(session, settings, site_id, at=at)
    enrolled = enrol_terminal(
        session, settings, code=code.code, public_key=public_key_to_jwk(key.public_key()),
        kind="till", at=at,
    )  # fmt: skip
    return Till(enrolled.terminal_id, key)


def _with_check(digits: str) -> str:
    return digits + luhn.calc_check_digit(digits)
