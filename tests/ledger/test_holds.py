"""Holds: set apart, captured, voided, lapsed. The referee is the rows."""

from datetime import timedelta

import pytest

from ledger.holds import NewHold, capture_hold, lapse_holds, reserve, void_hold
from ledger.reasons import (
    HoldEnded,
    HoldExceeded,
    HoldLapsed,
    HoldUnknown,
    InsufficientBalance,
    MovementNotAllowed,
)
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def hold(book, at):
    """Set an amount of the book's entitlement apart; return the hold's id."""

    def make(amount, *, several=False, when=at, account=None, credit=None):
        new = NewHold(
            id=uuid7(when),
            account=account or book.entitlement,
            credit=credit or book.payable,
            amount=amount,
            lapses_at=when + TEN_MINUTES,
            correlation_id=uuid7(when),
            several=several,
        )
        with unit_of_work(book.database) as session:
            reserve(session, [new], at=when)
        return new.id

    return make


@pytest.fixture
def take(book, at):
    """Capture a hold."""

    def capture(hold_id, amount, when=at):
        with unit_of_work(book.database) as session:
            capture_hold(session, hold_id, amount, transfer_id=uuid7(when), counts_at=when, at=when)

    return capture


def test_what_is_held_can_not_be_spent_nor_held_twice(book, hold):
    hold(5_000)
    with pytest.raises(InsufficientBalance):
        book.capture(2_001)
    with pytest.raises(InsufficientBalance):
        hold(2_001)
    book.capture(2_000)
    assert book.kept(book.entitlement) == (5_000, 5_000)


def test_a_capture_in_part_frees_the_rest(book, hold, take):
    taken = hold(5_000)
    take(taken, 1_200)
    assert book.kept(book.entitlement) == (5_800, 0)
    assert book.summed(book.payable) == 1_200
    with pytest.raises(HoldEnded):
        take(taken, 1)


def test_several_captures_go_up_to_the_hold_and_no_further(book, hold, take):
    taken = hold(5_000, several=True)
    take(taken, 2_000)
    with pytest.raises(HoldExceeded):
        take(taken, 3_001)
    assert book.kept(book.entitlement) == (5_000, 3_000)
    take(taken, 3_000)
    assert book.kept(book.entitlement) == (2_000, 0)
    with pytest.raises(HoldEnded):
        take(taken, 1)


def test_a_voided_hold_is_spendable_and_captured_no_more(book, hold, take, at):
    voided = hold(7_000)
    with unit_of_work(book.database) as session:
        void_hold(session, voided, at=at)
    book.capture(7_000)
    with pytest.raises(HoldEnded):
        take(voided, 1)


def test_a_lapsed_hold_is_spendable_at_once_and_its_capture_says_so(book, hold, take, at):
    lapsed = hold(7_000)
    just_before = at + TEN_MINUTES - timedelta(microseconds=1)
    with pytest.raises(InsufficientBalance):
        book.capture(1, at=just_before)
    with pytest.raises(HoldLapsed):
        take(lapsed, 1, at + TEN_MINUTES)
    book.capture(7_000, at=at + TEN_MINUTES)
    assert book.kept(book.entitlement) == (0, 0)
    with pytest.raises(HoldLapsed):
        take(lapsed, 1, just_before)


def test_a_lapsed_hold_makes_way_for_many_and_for_another_hold(book, hold, at):
    hold(7_000)
    later = at + TEN_MINUTES
    book.post(
        *[book.transfer(book.entitlement, book.payable, 1_000, at=later) for _ in range(5)],
        at=later,
    )
    hold(2_000, when=later)
    assert book.kept(book.entitlement) == (2_000, 2_000)


def test_tidying_lapsed_holds_changes_nothing_but_the_books_own_figures(book, hold, at):
    hold(1_000)
    hold(2_000)
    with unit_of_work(book.database) as session:
        assert lapse_holds(session, at=at) == 0
        assert lapse_holds(session, at=at + TEN_MINUTES) == 1
    assert book.kept(book.entitlement) == (7_000, 0)


def test_a_linked_set_of_holds_is_set_apart_all_or_none(book, at):
    holds = [
        NewHold(uuid7(at), book.entitlement, book.payable, 4_000, at + TEN_MINUTES, uuid7(at))
        for _ in range(2)
    ]
    with unit_of_work(book.database) as session:
        with pytest.raises(InsufficientBalance):
            reserve(session, holds, at=at)
    assert book.kept(book.entitlement) == (7_000, 0)


def test_an_unknown_hold_and_a_hold_on_an_envelope_are_refused(book, hold, take, at):
    with pytest.raises(HoldUnknown):
        take(uuid7(at), 1)
    with pytest.raises(MovementNotAllowed):
        hold(100, account=book.envelope)
