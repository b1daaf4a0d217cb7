"""A small town: a programme with capped lines, students with phones, bookshops with tills.

Built once a run through the rooms' own functions, as the product is; judged by SQL of the tests' own.
Each test gets a student whom nobody has seen before, at the same Tuesday morning, so that tests share
the town and not what they count in it. What a test breaks for everyone, it mends before it leaves.
"""

import json
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.cards.issue import enrol_phone, issue_token
from cardsvc.cards.issuer import create_issuer_key
from cardsvc.credential.keys import public_key_to_jwk
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.request_signature import sign_request
from cardsvc.people.facts import StatedFact, record_facts
from cardsvc.people.model import Beneficiary
from cardsvc.programmes.checking import check
from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope
from cardsvc.programmes.granting import grant_under
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
from sesame.app.rooms import registry
from sesame.platform.clock import MovableClock
from sesame.platform.database import Database, unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.identity import create_identity
from sesame.platform.ids import uuid7
from sesame.platform.scheme import create_scheme
from sesame.platform.settings import Settings
from sesame.platform.web import Shell, create_shell

BEFORE_THE_SEASON = datetime(2026, 8, 20, 9, 0, tzinfo=UTC)
A_TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PATH = "/api/v1/purchases"
CATEGORIES = ["textbooks", "books", "comics", "music", "sports"]

PROGRAMME = Path(__file__).with_name("livres.yaml")

_WHAT_A_PURCHASE_WRITES = (
    "ledger.transfer",
    "ledger.idempotency",
    "ledger.account",
    "merchants.decision",
    "merchants.payable_account",
    "cardsvc.cap_usage",
    "cardsvc.token",
    "platform.job",
)


@dataclass
class Student:
    """A beneficiary with a phone that can show codes."""

    id: UUID
    phone: ec.EllipticCurvePrivateKey
    phone_key_id: UUID
    token: bytes

    def qr(self, at, nonce=None):
        proof = make_proof(self.phone, self.token, at, nonce or secrets.token_bytes(8))
        return encode_presentation(self.token, proof)


@dataclass
class Till:
    """A terminal that signs what it sends. merchant_id, site_id: the shop where it stands."""

    id: UUID
    key: ec.EllipticCurvePrivateKey
    merchant_id: UUID
    site_id: UUID
    app: object
    clock: object

    def headers(self, method, path, raw, key, *, signed_by=None, created=None):
        by = signed_by or self.key
        return sign_request(by, self.id, method, path, raw, key, created or self.clock.now())

    def post(self, body, key=None, **signing):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers("POST", PATH, raw, key or str(uuid4()), **signing)
        return self.send(raw, headers)

    def send(self, raw, headers, path=PATH, content_type="application/json"):
        client = self.app.test_client()
        return client.post(path, data=raw, headers=headers, content_type=content_type)

    def by_key(self, key):
        path = f"{PATH}/by-key/{key}"
        headers = self.headers("GET", path, None, None)
        return self.app.test_client().get(path, headers=headers)


class Town:
    """Everything a purchase needs, and a few questions to the rows."""

    def __init__(self, test_database, settings):
        self.test_database = test_database
        self.database = Database(test_database.url())
        self.settings = settings
        self.clock = MovableClock(BEFORE_THE_SEASON)
        self._rows = psycopg.connect(test_database.url(), autocommit=True)
        self._version_id = None
        self._granted = []
        self._sirens = 0
        with unit_of_work(self.database) as session:
            _open_scheme(session, settings, self.clock.now())
        self.add_granted(60)
        self.app = create_shell(Shell(settings, self.database, self.clock), registry())
        self.app.testing = False
        self._first_till = self.add_shop()

    def begin(self):
        """Be as new for the next test: the Tuesday, the first till, a student of its own."""
        self.clock.at = A_TUESDAY
        self.till = self._first_till
        self.__dict__.pop("student", None)

    def close(self):
        self._rows.close()
        self.database.dispose()

    @cached_property
    def student(self):
        return self.add_student()

    # Asking.

    def basket(self, *lines, student=None, qr=None, partial=False, **more):
        return {
            "qr": qr or (student or self.student).qr(self.clock.now()),
            "lines": [
                {"category": line[0], "amount_cents": line[1], **(line[2] if line[2:] else {})}
                for line in lines
            ],
            "accept_partial": partial,
            **more,
        }

    def buy(self, *lines, key=None, till=None, **more):
        return (till or self.till).post(self.basket(*lines, **more), key)

    def answer(self, *lines, **more):
        return self.read(self.buy(*lines, **more))

    def refusal(self, *lines, **more):
        return self.refused(self.buy(*lines, **more))

    def read(self, response):
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return response.get_json()

    def refused(self, response):
        body = self.read(response)
        assert (body["outcome"], body["approved_cents"]) == ("refused", 0)
        assert body["remaining_cents"] == sum(line["amount_cents"] for line in body["lines"])
        return [reason["code"] for reason in body["reasons"]]

    def at_once(self, work, times, threads=24):
        """Run `work(number)` for each of `times`, over threads that start together; their results."""
        start = threading.Barrier(threads)
        results, failures = {}, []

        def run(first):
            start.wait()
            for number in range(first, times, threads):
                try:
                    results[number] = work(number)
                except Exception as failure:
                    failures.append(failure)

        running = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
        for each in running:
            each.start()
        for each in running:
            each.join()
        assert failures == []
        return [results[number] for number in range(times)]

    # Asking the rows.

    def sql(self, statement, *values):
        return self._rows.execute(statement, values).fetchall()

    def spent_cents(self, student=None):
        """What left the student's entitlements, by the transfers alone."""
        ((spent,),) = self.sql(
            "SELECT coalesce(sum(t.amount), 0)::bigint FROM ledger.transfer t"
            " JOIN cardsvc.entitlement e ON e.account_id = t.debit_account_id"
            " WHERE e.beneficiary_id = %s",
            (student or self.student).id,
        )
        return spent

    def left_cents(self, line, student=None):
        ((left,),) = self.sql(
            "SELECT b.balance FROM ledger.balance b"
            " JOIN cardsvc.entitlement e ON e.account_id = b.account_id"
            " WHERE e.beneficiary_id = %s AND e.line = %s",
            (student or self.student).id,
            line,
        )
        return left

    def kept(self, columns, student=None):
        """The student's decisions, the oldest first."""
        return self.sql(
            f"SELECT {columns} FROM merchants.decision WHERE beneficiary_id = %s ORDER BY at, id",
            (student or self.student).id,
        )

    def everything(self):
        """How many rows there are of each kind that a purchase writes, and every balance."""
        counts = [self.sql(f"SELECT count(*) FROM {name}") for name in _WHAT_A_PURCHASE_WRITES]
        balances = self.sql("SELECT sum(balance), count(*) FROM ledger.balance")
        return (
            dict(zip(_WHAT_A_PURCHASE_WRITES, [rows[0][0] for rows in counts], strict=True)),
            balances,
        )

    # Making.

    def add_granted(self, count):
        at = BEFORE_THE_SEASON
        with unit_of_work(self.database) as session:
            people = [_add_beneficiary(session, at) for _ in range(count)]
            if self._version_id is None:
                published = publish(session, check(PROGRAMME.read_bytes()), by=None, at=at)
                self._version_id = published.version_id
            else:
                grant_under(session, self._version_id, at=at)
        self._granted = people

    def add_student(self):
        """Give a phone to someone with rights whom nobody has used."""
        if not self._granted:
            self.add_granted(60)
        return self.give_phone(self._granted.pop())

    def add_stranger(self):
        """Give a phone to someone without any right."""
        with unit_of_work(self.database) as session:
            person_id = _add_beneficiary(session, self.clock.now(), status="apprentice")
        return self.give_phone(person_id)

    def give_phone(self, beneficiary_id):
        phone = ec.generate_private_key(ec.SECP256R1())
        at = self.clock.now()
        with unit_of_work(self.database) as session:
            jwk = public_key_to_jwk(phone.public_key())
            phone_key_id = enrol_phone(session, beneficiary_id, jwk, at)
            token = issue_token(session, self.settings, phone_key_id, at)
        return Student(beneficiary_id, phone, phone_key_id, token)

    def renew_token(self, student):
        with unit_of_work(self.database) as session:
            student.token = issue_token(
                session, self.settings, student.phone_key_id, self.clock.now()
            )

    def add_shop(self, *, convention="active", **terms):
        """Register one more bookshop, with its terms, and return its till."""
        self._sirens += 1
        siren = _with_luhn_key(f"0008{self._sirens:04d}")
        at = self.clock.now()
        with unit_of_work(self.database) as session:
            merchant_id, site_id = _register_bookshop(session, siren, at)
            if convention != "none":
                parameters = {
                    "categories": CATEGORIES,
                    "max_purchase_cents": 15_000,
                    "payment_delay_days": 7,
                }
                draft_convention(
                    session,
                    merchant_id=merchant_id,
                    parameters=parameters | terms,
                    valid_from=at,
                    valid_until=None,
                    at=at,
                )
            if convention == "active":
                change_state(session, merchant_id, "active", reason="signée", at=at)
        return self.add_till(merchant_id, site_id)

    def add_till(self, merchant_id=None, site_id=None):
        merchant_id, site_id = merchant_id or self.till.merchant_id, site_id or self.till.site_id
        key = ec.generate_private_key(ec.SECP256R1())
        at = self.clock.now()
        with unit_of_work(self.database) as session:
            code = make_code(session, self.settings, site_id, at=at)
            enrolled = enrol_terminal(
                session,
                self.settings,
                code=code.code,
                public_key=public_key_to_jwk(key.public_key()),
                kind="till",
                at=at,
            )
        return Till(enrolled.terminal_id, key, merchant_id, site_id, self.app, self.clock)

    def sign_in(self, role, subject_id=None, *, locale="fr"):
        """Return a browser in which someone is signed in."""
        at, session_id = self.clock.now(), uuid7(self.clock.now())
        with unit_of_work(self.database) as session:
            identity_id = create_identity(
                session, role=role, display_name="Zoé", subject_id=subject_id, at=at
            )
        self._rows.execute(
            "INSERT INTO platform.session (id, identity_id, created_at, ends_at)"
            " VALUES (%s, %s, %s, %s)",
            [session_id, identity_id, at, at + timedelta(days=1)],
        )
        browser = self.app.test_client()
        with browser.session_transaction() as cookie:
            cookie["session"], cookie["locale"] = str(session_id), locale
        return browser

    @contextmanager
    def broken(self, statement, *, function):
        """Run `statement` as the owner; put the SQL function back as it was at the end."""
        address = self.test_database.url(OWNER_ROLE)
        with psycopg.connect(address, autocommit=True) as owner:
            ((definition,),) = owner.execute(
                "SELECT pg_get_functiondef(%s::regproc)", [function]
            ).fetchall()
            owner.execute(statement)
            try:
                yield owner
            finally:
                owner.execute(definition)


def _open_scheme(session, settings, at):
    create_scheme(
        session,
        name="Région Val-d'Ambre",
        issuer="FR-VA",
        zone="Europe/Paris",
        kind="demonstration",
        at=at,
    )
    create_issuer_key(settings, session, at)
    add_funder(
        session,
        code="region",
        name="Région Val-d'Ambre",
        siren="000400010",
        iban="FR7630001007941234567890185",
        bic="BDFEFRPP",
        address=Address("1 place de l'Ambre", "63200", "Riom"),
        at=at,
    )
    fund_envelope(
        session,
        funder="region",
        programme="livres",
        amount_cents=100_000_000,
        key="fund-000001",
        at=at,
    )


def _add_beneficiary(session, at, status="lyceen"):
    person = Beneficiary(
        id=uuid7(at),
        ine=f"{secrets.randbelow(10**9):09d}AA",
        family_name="EXEMPLE",
        usual_name=None,
        given_name="Zoé",
        birth_date=date(2010, 2, 3),
        created_at=at,
    )
    session.add(person)
    session.flush()
    facts = {"status": status, "grade": "premiere", "school": "0690026D", "department": "69"}
    record_facts(
        session,
        [StatedFact(person.id, name, value) for name, value in facts.items()],
        source="roll:0690026D",
        on=date(2026, 8, 1),
        at=at,
    )
    return person.id


def _register_bookshop(session, siren, at):
    name, street = "Librairie des Trois Ponts", "3 rue du Pont"
    merchant_id = register_merchant(
        session, siren=siren, name=name, legal_form="SARL", naf="47.61Z", at=at
    )
    payee_id = register_payee(
        session,
        merchant_id=merchant_id,
        holder=name,
        iban="FR7630006000011234567890189",
        bic="AGRIFRPP",
        address=postal_address(street, "69001", "Lyon"),
        at=at,
    )
    site_id = register_site(
        session,
        merchant_id=merchant_id,
        payee_id=payee_id,
        siret=_with_luhn_key(f"{siren}0001"),
        name=name,
        address_line=street,
        postal_code="69001",
        town="Lyon",
        insee="69381",
        latitude=45.76,
        longitude=4.83,
        categories=CATEGORIES,
        at=at,
    )
    return merchant_id, site_id


def _with_luhn_key(body):
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)


@pytest.fixture(scope="session")
def shared_town(make_database, tmp_path_factory):
    test_database = make_database()
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("town"),
        database_url=test_database.url(),
        database_owner_url=test_database.url(OWNER_ROLE),
    )
    made = Town(test_database, settings)
    yield made
    made.close()


@pytest.fixture
def town(shared_town):
    shared_town.begin()
    return shared_town
