"""A small book: a funder's money, an envelope, an entitlement, a shop's payable."""

import subprocess
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner

from ledger.accounts import create_share_plan, open_account
from ledger.commands import ledger
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.platform.command import process
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7
from tests.ledger.sealed_book import sealed, sesame_verify

__all__ = ["sealed", "sesame_verify"]


@dataclass
class Book:
    """The accounts of a test, and what moves money between them."""

    database: object
    at: object
    funding: UUID
    envelope: UUID
    entitlement: UUID
    payable: UUID

    def transfer(self, debit, credit, amount, kind="capture", **more):
        when = more.pop("at", self.at)
        return NewTransfer(
            id=more.pop("id", None) or uuid7(when),
            debit=debit,
            credit=credit,
            amount=amount,
            kind=kind,
            correlation_id=more.pop("correlation_id", None) or uuid7(when),
            counts_at=more.pop("counts_at", when),
            **more,
        )

    def post(self, *transfers, at=None):
        with unit_of_work(self.database) as session:
            post(session, transfers, at=at or self.at)

    def capture(self, amount, **more):
        transfer = self.transfer(self.entitlement, self.payable, amount, **more)
        self.post(transfer, at=more.get("at"))
        return transfer

    def open(self, kind, *, asset="EUR"):
        """Open one more account nobody guards."""
        with unit_of_work(self.database) as session:
            return open_account(session, kind=kind, guarded=False, at=self.at, asset=asset)

    def rows(self, statement, *values):
        """What plain SQL reads."""
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(statement, values).fetchall()

    def refused(self, statement, *values):
        """The SQLSTATE with which plain SQL is refused."""
        with psycopg.connect(self.database.url) as connection:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement, values)
        return refused.value.sqlstate

    def kept(self, account_id):
        """The kept balance of a guarded account, and what of it is held."""
        return self.rows(
            "SELECT balance, held FROM ledger.balance WHERE account_id = %s", account_id
        )[0]

    def summed(self, account_id):
        """The balance by the sign rule, out of the rows alone."""
        return self.rows(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %s THEN amount ELSE -amount END), 0)"
            " FROM ledger.transfer WHERE %s IN (credit_account_id, debit_account_id)",
            account_id,
            account_id,
        )[0][0]


@pytest.fixture
def book(database, at):
    """A funder gave 1,000.00 €, and 70.00 € of it were granted."""
    with unit_of_work(database) as session:
        funding = open_account(session, kind="funding", guarded=False, at=at)
        envelope = open_account(session, kind="envelope", guarded=True, at=at)
        payable = open_account(session, kind="payable", guarded=False, at=at)
        plan = create_share_plan(session, [(envelope, 100)], at=at)
        post(
            session,
            [NewTransfer(uuid7(at), funding, envelope, 100_000, "fund", uuid7(at), at)],
            at=at,
        )
        entitlement = uuid7(at)
        post_grants(
            session,
            [entitlement],
            [7_000],
            share_plan_id=plan,
            correlation_id=uuid7(at),
            counts_at=at,
            at=at,
        )
    return Book(database, at, funding, envelope, entitlement, payable)


@pytest.fixture
def run(settings, scheme, monkeypatch):
    """Run `sesame ledger …` in this process; a refusal is raised as the domain error it is."""
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", settings.database_url)
    process.cache_clear()
    yield lambda *arguments: CliRunner().invoke(ledger, [str(each) for each in arguments])
    process().database.dispose()
    process.cache_clear()


@pytest.fixture
def pdf_text():
    """Read the text of a PDF with poppler's pdftotext, blanks of any kind as one space."""

    def read(content):
        told = subprocess.run(
            ["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"],
            input=content, capture_output=True, check=True,
        )  # fmt: skip
        return " ".join(told.stdout.decode().split())

    return read
