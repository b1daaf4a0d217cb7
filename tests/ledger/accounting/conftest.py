"""A card paid 60/40 by a Region and a Department, over a year and a bit, with everything that happens."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ledger.accounts import create_share_plan, open_account
from ledger.corrections import cancel, refund
from ledger.entitlements import expire
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.platform.database import Database, unit_of_work
from sesame.platform.ids import uuid7

PARIS = ZoneInfo("Europe/Paris")
YEAR = datetime(2026, 1, 1, tzinfo=PARIS).astimezone(UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=PARIS).astimezone(UTC)
NOW = datetime(2027, 2, 1, 9, tzinfo=UTC)


@dataclass
class Region:
    """A Region's books: what a test does to them, and the database as plain SQL."""

    database: object
    url: str
    zone: ZoneInfo = PARIS
    envelopes: dict[str, UUID] = field(default_factory=dict)
    plans: dict[str, UUID] = field(default_factory=dict)
    captures: list[UUID] = field(default_factory=list)

    def envelope(self, name, cents, at, floor=0):
        with unit_of_work(self.database) as session:
            funding = open_account(session, kind="funding", guarded=False, at=at)
            made = open_account(session, kind="envelope", guarded=True, at=at, floor=floor)
            if cents:
                self._post(session, funding, made, cents, "fund", at)
        self.envelopes[name] = made
        return made

    def plan(self, name, shares, at):
        with unit_of_work(self.database) as session:
            weights = [(self.envelopes[each], weight) for each, weight in shares]
            self.plans[name] = create_share_plan(session, weights, at=at)

    def grant(self, plan, amounts, at):
        accounts = [uuid7(at) for _ in amounts]
        with unit_of_work(self.database) as session:
            post_grants(
                session, accounts, amounts, share_plan_id=self.plans[plan],
                correlation_id=uuid7(at), counts_at=at, at=at,
            )  # fmt: skip
        return accounts

    def payable(self, at):
        with unit_of_work(self.database) as session:
            return open_account(session, kind="payable", guarded=False, at=at)

    def buy(self, entitlement, payable, cents, at, *, happened_at=None, counts_at=None):
        with unit_of_work(self.database) as session:
            made = self._post(
                session, entitlement, payable, cents, "capture", at, happened_at, counts_at
            )
        self.captures.append(made)
        return made

    def give_back(self, capture, cents, at, *, kind="refund", to_funders=False):
        named = {"refund_id" if kind == "refund" else "cancellation_id": uuid7(at)}
        with unit_of_work(self.database) as session:
            (refund if kind == "refund" else cancel)(
                session, capture, cents, correlation_id=uuid7(at), counts_at=at, at=at,
                to_funders=to_funders, **named,
            )  # fmt: skip

    def pay(self, payables, at):
        """Put what each payable holds (cents) into one payment, and have the bank settle it."""
        with unit_of_work(self.database) as session:
            transit = open_account(session, kind="in_transit", guarded=False, at=at)
            paid = open_account(session, kind="paid", guarded=False, at=at)
            for payable, cents in payables.items():
                self._post(session, payable, transit, cents, "remit", at)
            self._post(session, transit, paid, sum(payables.values()), "settle", at)
        return transit

    def expire(self, accounts, at):
        with unit_of_work(self.database) as session:
            return expire(session, accounts, correlation_id=uuid7(at), counts_at=at, at=at)

    def sql(self, query, *values):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()

    def held(self, account):
        """What an account holds, by plain SQL over its transfers."""
        return self.sql(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %s THEN amount ELSE -amount END), 0)"
            "  FROM ledger.transfer WHERE %s IN (credit_account_id, debit_account_id)",
            account,
            account,
        )[0][0]

    def _post(self, session, debit, credit, cents, kind, at, happened_at=None, counts_at=None):
        made = uuid7(at)
        each = NewTransfer(
            made, debit, credit, cents, kind, uuid7(at), counts_at or at, happened_at
        )
        post(session, [each], at=at)
        return made


def live_a_year(region):
    """Money of 2025 still there, grants, sales, refunds, one payment, an expiry; and a sale of 2027."""
    before = YEAR - timedelta(days=40)
    region.envelope("region", 500_000, before)
    region.envelope("department", 0, before, floor=-1_000_000)
    region.plan("card", [("region", 60), ("department", 40)], before)
    region.old = region.grant("card", [7_001, 3_333], before)
    region.shops = [region.payable(before), region.payable(before)]
    region.buy(region.old[0], region.shops[0], 1_201, before + timedelta(days=1))
    march = YEAR + timedelta(days=70)
    region.new = region.grant("card", [2_500, 9_999, 1], march)
    first = region.buy(region.new[0], region.shops[0], 1_240, march + timedelta(days=1))
    region.buy(region.new[1], region.shops[1], 9_998, march + timedelta(days=2))
    region.buy(region.old[1], region.shops[1], 7, march + timedelta(days=3))
    region.give_back(first, 240, march + timedelta(days=4))
    region.transit = region.pay(
        {region.shops[0]: 2_201, region.shops[1]: 10_000}, march + timedelta(days=9)
    )
    late = march + timedelta(days=30)
    # A sale of March that reached us in April and counts in April.
    region.buy(
        region.old[0], region.shops[0], 333, late, happened_at=march + timedelta(days=5)
    )  # fmt: skip
    region.give_back(region.captures[2], 50, late + timedelta(days=1), kind="cancellation")
    region.expire([region.new[2], region.old[1]], late + timedelta(days=60))
    # After the year: none of its business.
    region.buy(region.old[0], region.shops[0], 77, NEXT_YEAR + timedelta(days=3))


@pytest.fixture
def region(database, test_database):
    """Empty books."""
    return Region(database, test_database.url("postgres"))


@pytest.fixture
def a_year(region):
    """A year of a card, to do more with."""
    live_a_year(region)
    return region


@pytest.fixture(scope="module")
def the_year(make_database):
    """A year of a card, to read only."""
    made = make_database()
    database = Database(made.url())
    region = Region(database, made.url("postgres"))
    live_a_year(region)
    yield region
    database.dispose()
