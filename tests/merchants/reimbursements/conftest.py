"""A region with funders, envelopes, partners and sales, written by plain SQL beside the code it judges."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.draft import draft_run, withdraw_run
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.identity import create_identity
from sesame.platform.ids import uuid7

_numbers = itertools.count(1)


def french_iban(number: int) -> str:
    """Return an invented account with its RIB key and its IBAN key, by the formulas of the norms."""
    bank, branch, account = 30006, 1, number
    rib_key = 97 - (89 * bank + 15 * branch + 3 * account) % 97
    bban = f"{bank:05d}{branch:05d}{account:011d}{rib_key:02d}"
    iban_key = 98 - int(f"{bban}152700") % 97
    return f"FR{iban_key:02d}{bban}"


@dataclass
class Region:
    """Makes what a run starts from, each in a transaction of its own unless told otherwise."""

    connection: psycopg.Connection
    at: datetime
    sources: dict[UUID, UUID] = field(default_factory=dict)

    def account(self, kind: str) -> UUID:
        """Open an unguarded account of the ledger."""
        account_id = uuid7(self.at)
        self.connection.execute(
            "INSERT INTO ledger.account (id, asset, kind, guarded, floor, created_at) "
            "VALUES (%s, 'EUR', %s, false, 0, %s)",
            (account_id, kind, self.at),
        )
        return account_id

    def funder(self, code: str = "region", **changed: object) -> UUID:
        """Add a funder with its account for payments."""
        values = {
            "name": "Région Val-d'Ambre",
            "iban": french_iban(next(_numbers)),
            "bic": "AGRIFRPP",
            "street": "place de la Région",
            "postal_code": "69002",
            "town": "Lyon",
        } | changed
        funder_id = uuid7(self.at)
        self.connection.execute(
            "INSERT INTO cardsvc.funder (id, code, name, siren, iban, bic, street, postal_code, town, "
            "country, funding_account_id, created_at) VALUES (%s, %s, %s, '200053767', %s, %s, %s, %s, "
            "%s, 'FR', %s, %s)",
            (funder_id, code, *values.values(), self.account("funding"), self.at),
        )
        return funder_id

    def envelope(self, funder_id: UUID, regime: str = "mandate") -> UUID:
        """Add an envelope of `funder_id` that pays, for a programme of its own."""
        programme_id, envelope_id = uuid7(self.at), uuid7(self.at)
        self.connection.execute(
            "INSERT INTO cardsvc.programme (id, slug, created_at) VALUES (%s, %s, %s)",
            (programme_id, f"programme-{next(_numbers)}", self.at),
        )
        self.connection.execute(
            "INSERT INTO cardsvc.envelope (id, funder_id, programme_id, account_id, regime, paying, "
            "created_at) VALUES (%s, %s, %s, %s, %s, true, %s)",
            (envelope_id, funder_id, programme_id, self.account("envelope"), regime, self.at),
        )
        self.sources[envelope_id] = self.account("funding")
        return envelope_id

    def payee(self, holder: str = "Librairie de l'Épée", **changed: object) -> UUID:
        """Add a partner with its account."""
        merchant_id, payee_id, number = uuid7(self.at), uuid7(self.at), next(_numbers)
        self.connection.execute(
            "INSERT INTO merchants.merchant (id, siren, name, state, created_at) "
            "VALUES (%s, %s, %s, 'open', %s)",
            (merchant_id, f"{number:09d}", f"Partenaire {number}", self.at),
        )
        values = {
            "iban": french_iban(number),
            "bic": None,
            "building_number": "12",
            "street": "rue des Écoles",
            "postal_code": "42000",
            "town": "Saint-Étienne",
            "country": "FR",
        } | changed
        self.connection.execute(
            "INSERT INTO merchants.payee (id, merchant_id, holder, iban, bic, building_number, street, "
            "postal_code, town, country, created_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (payee_id, merchant_id, holder, *values.values(), self.at),
        )
        return payee_id

    def payable(self, payee_id: UUID, envelope_id: UUID) -> UUID:
        """Return the account of what the envelope owes to the payee, opened on first use."""
        wanted = (payee_id, envelope_id)
        known = self.connection.execute(
            "SELECT account_id FROM merchants.payable_account "
            "WHERE (payee_id, paying_envelope_id) = (%s, %s)",
            wanted,
        ).fetchone()
        if known:
            return known[0]
        account_id = self.account("payable")
        self.connection.execute(
            "INSERT INTO merchants.payable_account (payee_id, paying_envelope_id, account_id, "
            "opened_at) VALUES (%s, %s, %s, %s)",
            (*wanted, account_id, self.at),
        )
        return account_id

    def sale(
        self,
        payee_id: UUID,
        envelope_id: UUID,
        cents: int,
        counts_at: datetime | None = None,
        through: psycopg.Connection | None = None,
    ) -> UUID:
        """Book a sale, or a refund for cents below zero; return the transfer's id."""
        payable, source = self.payable(payee_id, envelope_id), self.sources[envelope_id]
        debit, credit = (source, payable) if cents > 0 else (payable, source)
        transfer_id, counts_at = uuid7(self.at), counts_at or self.at - timedelta(hours=1)
        (through or self.connection).execute(
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind, "
            "correlation_id, counts_at, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                transfer_id,
                debit,
                credit,
                abs(cents),
                "capture" if cents > 0 else "refund",
                uuid7(self.at),
                counts_at,
                self.at,
            ),
        )
        return transfer_id

    def rows(self, statement: str, *values: object) -> list[tuple]:
        """Return what a plain SELECT finds."""
        return self.connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: object) -> object:
        """Return the one value of a plain SELECT."""
        return self.rows(statement, *values)[0][0]

    def balance(self, account_id: UUID) -> int:
        """Return an account's balance: the sum of its transfers."""
        return int(
            self.value(
                "SELECT coalesce(sum(CASE WHEN credit_account_id = %s THEN amount ELSE -amount END), "
                "0) FROM ledger.transfer WHERE %s IN (credit_account_id, debit_account_id)",
                account_id,
                account_id,
            )
        )

    def claimed(self) -> Sequence[UUID]:
        """Return the transfers that runs have claimed."""
        return [row[0] for row in self.rows("SELECT transfer_id FROM merchants.run_line")]


@pytest.fixture
def region(test_database, scheme, at) -> Iterator[Region]:
    """A region whose every act is committed at once, by the tables' owner: sales around the functions."""
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as connection:
        yield Region(connection, at)


@pytest.fixture
def officer(database, scheme, at) -> UUID:
    """Someone who prepares runs."""
    with unit_of_work(database) as session:
        return create_identity(session, role="officer", display_name="A. Martin", at=at)


@pytest.fixture
def accountant(database, scheme, at) -> UUID:
    """Someone who approves runs."""
    with unit_of_work(database) as session:
        return create_identity(session, role="accountant", display_name="B. Durand", at=at)


@pytest.fixture
def draft(database, officer, at):
    """Return a function that prepares a run in a unit of work of its own and gives its id."""

    def prepare(payer="region", cutoff_at=None, by=None, at=at) -> UUID:
        with unit_of_work(database) as session:
            return draft_run(
                session, paying_funder=payer, cutoff_at=cutoff_at or at, by=by or officer, at=at
            )

    return prepare


@pytest.fixture
def approve(database, accountant, at):
    """Return a function that approves a run in a unit of work of its own."""

    def do(run_id, by=None, at=at, read=None) -> None:
        with unit_of_work(database) as session:
            approve_run(session, run_id, by=by or accountant, at=at, read=read)

    return do


@pytest.fixture
def withdraw(database, officer, at):
    """Return a function that withdraws a run in a unit of work of its own."""

    def do(run_id, by=None, at=at) -> None:
        with unit_of_work(database) as session:
            withdraw_run(session, run_id, by=by or officer, at=at)

    return do
