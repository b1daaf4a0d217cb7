"""Shares, expiry, withdrawal and granting again: a plain model of whole cents is the referee."""

import random

import pytest

from ledger.accounts import create_share_plan, open_account
from ledger.corrections import refund
from ledger.entitlements import expire, regrant, withdraw
from ledger.grants import post_grants
from ledger.holds import NewHold, reserve
from ledger.reasons import (
    CorrectsTooMuch,
    InsufficientBalance,
    NothingToCorrect,
    UnknownAccount,
)
from ledger.transfers import NewTransfer, post
from ledger.verify import verify
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


def parts(weights, amount):
    """Each funder's part: its rounded share of what those before it left (round half up)."""
    left, whole, found = amount, sum(weights), []
    for weight in weights:
        part = (2 * left * weight + whole) // (2 * whole)
        found.append(part)
        left, whole = left - part, whole - weight
    return found


class Shared:
    """An entitlement borne by several envelopes."""

    def __init__(self, book, weights, amount, at):
        self.book, self.weights, self.at = book, weights, at
        with unit_of_work(book.database) as session:
            self.envelopes = [
                open_account(session, kind="envelope", guarded=True, at=at) for _ in weights
            ]
            for envelope in self.envelopes:
                fund = NewTransfer(
                    uuid7(at), book.funding, envelope, 100_000, "fund", uuid7(at), at
                )
                post(session, [fund], at=at)
            plan = create_share_plan(
                session, list(zip(self.envelopes, weights, strict=True)), at=at
            )
            self.account = uuid7(at)
            post_grants(session, [self.account], [amount], share_plan_id=plan, **self.dated())

    def dated(self):
        return {"correlation_id": uuid7(self.at), "counts_at": self.at, "at": self.at}

    def do(self, rule, *values, **more):
        with unit_of_work(self.book.database) as session:
            return rule(session, *values, **more, **self.dated())

    def capture(self, amount):
        transfer = self.book.transfer(self.account, self.book.payable, amount)
        self.book.post(transfer)
        return transfer.id

    def borne(self):
        """What each envelope has contributed by now."""
        return [100_000 - self.book.kept(envelope)[0] for envelope in self.envelopes]


@pytest.fixture
def shared(book, at):
    return lambda weights, amount: Shared(book, weights, amount, at)


def test_what_expires_goes_back_in_the_shares_of_what_was_spent(shared):
    it = shared([60, 40], 7_000)
    it.capture(1_001)
    assert it.do(expire, [it.account]) == 5_999
    assert it.borne() == [601, 400]
    assert it.do(expire, [it.account]) == 0


@pytest.mark.parametrize("weights", [[60, 40], [1, 1, 1], [7, 2, 5, 3]], ids=str)
def test_no_cent_drifts_over_any_number_of_movements(shared, weights):
    it, chance = shared(weights, 7_000), random.Random(len(weights))
    contributed, held, captures, expired = 7_000, 7_000, [], 0
    for _ in range(60):
        move = chance.choice(["capture", "refund", "to funders", "withdraw", "regrant", "expire"])
        if move == "capture" and held:
            amount = chance.randint(1, min(held, 997))
            captures.append([it.capture(amount), amount])
            held -= amount
        elif move in ("refund", "to funders") and captures:
            taken = chance.choice(captures)
            if taken[1] == 0:
                continue
            amount = chance.randint(1, taken[1])
            it.do(refund, taken[0], amount, refund_id=uuid7(it.at), to_funders=move == "to funders")
            taken[1] -= amount
            held, contributed = (
                (held + amount, contributed) if move == "refund" else (held, contributed - amount)
            )
        elif move == "withdraw" and held > 1_500:
            amount = chance.randint(1, 99)
            it.do(withdraw, it.account, amount)
            held, contributed = held - amount, contributed - amount
        elif move == "expire" and held and chance.random() < 0.4:
            assert it.do(expire, [it.account]) == held
            expired, contributed, held = expired + held, contributed - held, 0
        elif move == "regrant" and expired:
            amount = chance.randint(1, expired)
            it.do(regrant, it.account, amount)
            held, contributed, expired = held + amount, contributed + amount, expired - amount
        assert it.borne() == parts(weights, contributed)
    with it.book.database.sessions() as session:
        assert verify(session).holds


def test_what_is_held_does_not_expire(shared, at):
    it = shared([60, 40], 7_000)
    hold = NewHold(uuid7(at), it.account, it.book.payable, 2_000, at.replace(hour=23), uuid7(at))
    with unit_of_work(it.book.database) as session:
        reserve(session, [hold], at=at)
    assert it.do(expire, [it.account]) == 5_000
    assert it.book.kept(it.account) == (2_000, 2_000)


def test_only_what_expired_is_granted_again(shared, book):
    it = shared([60, 40], 7_000)
    with pytest.raises(NothingToCorrect):
        it.do(regrant, it.account, 1)
    it.do(expire, [it.account])
    with pytest.raises(CorrectsTooMuch):
        it.do(regrant, it.account, 7_001)
    it.do(regrant, it.account, 7_000)
    assert it.borne() == [4_200, 2_800]
    named = book.rows(
        "SELECT DISTINCT r.kind, e.kind FROM ledger.transfer r"
        " JOIN ledger.transfer e ON e.id = r.corrects_id WHERE r.credit_account_id = %s",
        it.account,
    )
    assert named == [("regrant", "expiry")]


def test_what_was_spent_is_not_withdrawn(shared):
    it = shared([60, 40], 7_000)
    it.capture(6_000)
    with pytest.raises(InsufficientBalance):
        it.do(withdraw, it.account, 1_001)
    it.do(withdraw, it.account, 1_000)
    assert it.borne() == [3_600, 2_400]


def test_only_entitlements_expire(shared, book):
    it = shared([60, 40], 7_000)
    for other in (it.envelopes[0], book.payable, uuid7(it.at)):
        with pytest.raises(UnknownAccount):
            it.do(expire, [it.account, other])
    assert it.book.kept(it.account) == (7_000, 0)
