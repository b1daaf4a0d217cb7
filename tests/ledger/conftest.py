"""A small book: a funder's money, an envelope, an entitlement, a shop's payable."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from ledger.accounts import create_share_plan, open_account
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


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
        return NewTransfer(
            id=more.pop("id", None) or uuid7(self.at),
            debit=debit,
            credit=credit,
            amount=amount,
            kind=kind,
            correlation_id=more.pop("correlation_id", None) or uuid7(self.at),
            counts_at=self.at,
            **more,
        )

    def post(self, *transfers):
        with unit_of_work(self.database) as session:
            post(session, transfers, at=self.at)

    def capture(self, amount, **more):
        transfer = self.transfer(self.entitlement, self.payable, amount, **more)
        self.post(transfer)
        return transfer


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
