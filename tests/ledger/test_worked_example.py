"""The example of docs/ledger.md, cell by cell."""

from datetime import timedelta

import pytest

from ledger.accounts import create_share_plan, open_account
from ledger.corrections import refund
from ledger.entitlements import expire
from ledger.grants import post_grants
from ledger.holds import NewHold, capture_hold, reserve
from ledger.transfers import NewTransfer, post
from ledger.verify import verify
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


@pytest.fixture
def example(book, at):
    """Two envelopes of which one may owe, a shop, and what a bank file goes through."""
    with unit_of_work(book.database) as session:
        funding = open_account(session, kind="funding", guarded=False, at=at)
        region = open_account(session, kind="envelope", guarded=True, at=at)
        department = open_account(session, kind="envelope", guarded=True, floor=-3_000, at=at)
        plan = create_share_plan(session, [(region, 60), (department, 40)], at=at)
        fund = NewTransfer(uuid7(at), funding, region, 10_000, "fund", uuid7(at), at)
        post(session, [fund], at=at)
    shop, transit, paid = book.open("payable"), book.open("in_transit"), book.open("paid")
    return plan, [region, department, uuid7(at), shop, transit, paid]


def test_every_cell_of_the_example(book, example, at):
    plan, columns = example
    _region, _department, entitlement, shop, transit, paid = columns
    dated = {"correlation_id": uuid7(at), "counts_at": at, "at": at}
    found = []

    def step(rule, *values, **more):
        with unit_of_work(book.database) as session:
            rule(session, *values, **more)
        found.append([book.summed(each) for each in columns])

    def transfer(debit, credit, amount, kind):
        return book.transfer(debit, credit, amount, kind)

    step(post_grants, [entitlement], [7_000], share_plan_id=plan, **dated)
    first = transfer(entitlement, shop, 2_503, "capture")
    step(post, [first], at=at)
    hold = NewHold(uuid7(at), entitlement, shop, 2_000, at + timedelta(hours=1), uuid7(at))
    with unit_of_work(book.database) as session:
        reserve(session, [hold], at=at)
    step(capture_hold, hold.id, 1_898, transfer_id=uuid7(at), counts_at=at, at=at)
    step(refund, first.id, 500, refund_id=uuid7(at), **dated)
    pay = [transfer(shop, transit, 3_901, "remit"), transfer(transit, paid, 3_901, "settle")]
    step(post, pay, at=at)
    step(expire, [entitlement], **dated)
    step(refund, first.id, 1_000, refund_id=uuid7(at), to_funders=True, **dated)

    assert found == [
        [5_800, -2_800, 7_000, 0, 0, 0],
        [5_800, -2_800, 4_497, 2_503, 0, 0],
        [5_800, -2_800, 2_599, 4_401, 0, 0],
        [5_800, -2_800, 3_099, 3_901, 0, 0],
        [5_800, -2_800, 3_099, 0, 0, 3_901],
        [7_659, -1_560, 0, 0, 0, 3_901],
        [8_259, -1_160, 0, -1_000, 0, 3_901],
    ]
    with book.database.sessions() as session:
        assert verify(session).holds
