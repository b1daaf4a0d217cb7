"""A book with two funders, a month of sales, refunds, payments; and rooms above that name its accounts."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient
from lxml import html

from ledger import hooks
from ledger.accounts import create_share_plan, open_account
from ledger.corrections import refund
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.app import hooks as app_hooks
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity
from sesame.platform.identity import hooks as identity_hooks
from sesame.platform.ids import uuid7
from sesame.platform.web import Registry, Shell, create_shell
from sesame.platform.web.hooks import Explanation

SEPTEMBER = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)


@dataclass
class Books:
    """Moves money through the ledger's functions; asks the rows with SQL of the tests' own."""

    database: object
    rows: psycopg.Connection
    at: datetime
    funding: UUID = None
    region: UUID = None
    department: UUID = None
    plan: UUID = None
    payable: UUID = None
    transit: UUID = None
    bank: UUID = None
    cards: list[UUID] = field(default_factory=list)
    payments: dict[UUID, UUID] = field(default_factory=dict)

    def open(self, kind, guarded=False):
        with unit_of_work(self.database) as session:
            return open_account(session, kind=kind, guarded=guarded, at=self.at)

    def move(self, kind, debit, credit, amount, counts_at=None, correlation=None):
        transfer = NewTransfer(
            id=uuid7(self.at), debit=debit, credit=credit, amount=amount, kind=kind,
            correlation_id=correlation or uuid7(self.at), counts_at=counts_at or self.at,
        )  # fmt: skip
        with unit_of_work(self.database) as session:
            post(session, [transfer], at=self.at)
        return transfer

    def fund(self, envelope, amount, counts_at=None):
        return self.move("fund", self.funding, envelope, amount, counts_at)

    def grant(self, *amounts, counts_at=None):
        ids = [uuid7(self.at) for _ in amounts]
        with unit_of_work(self.database) as session:
            post_grants(
                session, ids, amounts, share_plan_id=self.plan, correlation_id=uuid7(self.at),
                counts_at=counts_at or self.at, at=self.at,
            )  # fmt: skip
        self.cards += ids
        return ids

    def sell(self, card, amount, counts_at=None):
        return self.move("capture", card, self.payable, amount, counts_at)

    def sell_many(self, card, times):
        sales = [
            NewTransfer(
                id=uuid7(self.at), debit=card, credit=self.payable, amount=1, kind="capture",
                correlation_id=uuid7(self.at), counts_at=self.at,
            )
            for _ in range(times)
        ]  # fmt: skip
        with unit_of_work(self.database) as session:
            post(session, sales, at=self.at)
        return sales

    def refund(self, sale, amount, to_funders=False, counts_at=None):
        refund_id = uuid7(self.at)
        with unit_of_work(self.database) as session:
            refund(
                session, sale.id, amount, refund_id=refund_id, correlation_id=uuid7(self.at),
                counts_at=counts_at or self.at, at=self.at, to_funders=to_funders,
            )  # fmt: skip
        return refund_id

    def value(self, query, *values):
        return self.rows.execute(query, values).fetchone()[0]


@pytest.fixture
def books(test_database, database, scheme, at):
    """A Region and a Department fund 60/40; two cards of 100.00 €; nothing sold yet."""
    with psycopg.connect(test_database.url(), autocommit=True) as rows:
        made = Books(database, rows, at)
        made.funding = made.open("funding")
        made.region = made.open("envelope", guarded=True)
        made.department = made.open("envelope", guarded=True)
        made.payable, made.transit, made.bank = map(made.open, ("payable", "in_transit", "paid"))
        with unit_of_work(database) as session:
            made.plan = create_share_plan(
                session, [(made.region, 60), (made.department, 40)], at=at
            )
        made.fund(made.region, 100_000, SEPTEMBER)
        made.fund(made.department, 50_000, SEPTEMBER)
        made.grant(10_000, 10_000, counts_at=SEPTEMBER + timedelta(days=3))
        yield made


class Visitor(FlaskClient):
    """A browser without scripts: reads pages and presses the buttons that they show."""

    def read(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return html.fromstring(answer.get_data(as_text=True))

    def press(self, path, label, **fields):
        """Press the button called `label` on the page at `path`; return the page it leads to."""
        (form,) = self.read(path).xpath("//form[.//button[contains(., $label)]]", label=label)
        values = {**dict(form.form_values()), **fields}
        answer = self.post(form.get("action") or path, data=values, follow_redirects=True)
        assert answer.status_code == 200
        return html.fromstring(answer.get_data(as_text=True))


@pytest.fixture
def app(settings, database, clock, scheme, books):
    """The console with the ledger, and invented rooms above it that know some names."""
    registry = Registry()
    for feature in (identity_hooks, app_hooks, hooks):
        feature.register(registry)

    def named(names):
        return lambda _session, ids: {each: names[each] for each in ids if each in names}

    season = datetime(2027, 5, 31).date()
    registry.explains("funding", named({books.funding: Explanation("Les financeurs")}))
    registry.explains(
        "envelope",
        named(
            {
                books.region: Explanation("Région Val-d'Ambre · Livres", until=season),
                books.department: Explanation("Département · Livres", until=season),
            }
        ),
    )
    registry.explains(
        "entitlement",
        lambda _session, ids: {
            each: Explanation("Livres et manuels", "Carte jeune · 2026-2027")
            for each in ids
            if each in books.cards
        },
    )
    registry.explains(
        "payable", named({books.payable: Explanation("Librairie de l'Épée", "Épée SARL")})
    )
    owed = {books.payable: Explanation("", leads_to=books.region)}
    registry.explains("payables_of", lambda _session, ids: owed if books.region in ids else {})
    registry.explains(
        "payment_of",
        lambda _session, ids: {
            each: Explanation("Virement", leads_to=books.payments[each])
            for each in ids
            if each in books.payments
        },
    )
    registry.explains(
        "remit",
        lambda _session, ids: {
            each: Explanation("Virement VA-0001", "campagne VA-20261124")
            for each in ids
            if each in books.payments.values()
        },
    )
    made = create_shell(Shell(settings, database, clock), registry)
    made.test_client_class = Visitor
    return made


@pytest.fixture
def visit(app, database, books, at):
    """Return a function that gives the browser of somebody signed in, with or without a password."""

    def enter(role, password=None):
        login, session_id = role if password else None, uuid7(at)
        with unit_of_work(database) as session:
            identity_id = create_identity(
                session, role=role, display_name=f"A. {role}", login=login, password=password, at=at
            )
        books.rows.execute(
            "INSERT INTO platform.session (id, identity_id, created_at, ends_at)"
            " VALUES (%s, %s, %s, %s)",
            [session_id, identity_id, at, at + timedelta(days=1)],
        )
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["session"], cookie["locale"] = str(session_id), "fr"
        return client

    return enter


@pytest.fixture
def site(app, serve):
    """The application served on loopback; its address."""
    return serve(app)


@pytest.fixture
def owner(test_database):
    """The superuser's hand, around all rules."""
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        yield connection
