"""Tickets and the euros behind them: a funder never owes more than it set aside."""

import pytest

from ledger.accounts import create_share_plan, open_account
from ledger.entitlements import expire, regrant, withdraw
from ledger.grants import post_ticket_grants
from ledger.reasons import (
    AmountOutOfRange,
    CorrectsTooMuch,
    InsufficientBalance,
    MovementNotAllowed,
    NothingToCorrect,
    PriceAboveFaceValue,
)
from ledger.tickets import capture_tickets, refund_tickets
from ledger.transfers import NewTransfer, post
from ledger.verify import verify
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


class Cinema:
    """Somebody's three cinema tickets of 8.00 €, borne 60/40 by two envelopes."""

    def __init__(self, book, at, unit_cents=800):
        self.book, self.at = book, at
        self.tickets, self.backing = uuid7(at), uuid7(at)
        with unit_of_work(book.database) as session:
            self.envelopes = [
                open_account(session, kind="envelope", guarded=True, at=at) for _ in range(2)
            ]
            for envelope in self.envelopes:
                fund = NewTransfer(uuid7(at), book.funding, envelope, 10_000, "fund", uuid7(at), at)
                post(session, [fund], at=at)
            plan = create_share_plan(
                session, list(zip(self.envelopes, (60, 40), strict=True)), at=at
            )
            self.set_aside = post_ticket_grants(
                session, [self.tickets], [self.backing], [3], asset="CINEMA_TICKET",
                unit_cents=unit_cents, share_plan_id=plan, **self.dated(),
            )  # fmt: skip

    def dated(self):
        return {"correlation_id": uuid7(self.at), "counts_at": self.at, "at": self.at}

    def do(self, rule, *values, **more):
        with unit_of_work(self.book.database) as session:
            done = rule(session, *values, **more, **self.dated())
        with self.book.database.sessions() as session:
            assert verify(session).holds
        return done

    def use(self, count, price_cents):
        return self.do(
            capture_tickets, self.tickets, count, payable=self.book.payable, price_cents=price_cents
        )

    def state(self):
        """Tickets left, euros behind them, what the shop is owed, what the envelopes bear."""
        return (
            self.book.kept(self.tickets)[0],
            self.book.kept(self.backing)[0],
            self.book.summed(self.book.payable),
            [10_000 - self.book.kept(each)[0] for each in self.envelopes],
        )


@pytest.fixture
def cinema(book, at):
    return Cinema(book, at)


def test_a_grant_of_tickets_sets_their_face_value_aside(cinema):
    assert cinema.set_aside == 2_400
    assert cinema.state() == (3, 2_400, 0, [1_440, 960])


def test_a_cheaper_seat_gives_the_rest_back_to_the_funders(cinema):
    cinema.use(2, 1_250)
    assert cinema.state() == (1, 800, 1_250, [1_230, 820])


def test_a_price_above_the_face_value_is_refused(cinema):
    with pytest.raises(PriceAboveFaceValue):
        cinema.use(1, 801)
    assert cinema.state() == (3, 2_400, 0, [1_440, 960])


def test_more_tickets_than_there_are_can_not_be_used(cinema):
    with pytest.raises(InsufficientBalance):
        cinema.use(4, 100)


@pytest.mark.parametrize(("count", "price"), [(0, 100), (-1, 100), (1, -1)])
def test_no_tickets_or_a_price_below_zero_are_refused(cinema, count, price):
    with pytest.raises(AmountOutOfRange):
        cinema.use(count, price)


def test_the_database_refuses_a_price_below_zero_by_itself(cinema, book):
    for call in (
        "ledger.capture_tickets(%s, 1, %s, -1, %s, now(), now(), NULL)",
        "ledger.capture_tickets(%s, 0, %s, 1, %s, now(), now(), NULL)",
    ):
        assert book.refused(f"SELECT {call}", cinema.tickets, book.payable, book.payable) == "SL014"


def test_a_ticket_does_not_move_without_its_backing(cinema, book):
    used = book.open("used", asset="CINEMA_TICKET")
    with pytest.raises(MovementNotAllowed):
        book.post(book.transfer(cinema.tickets, used, 1))
    with pytest.raises(MovementNotAllowed):
        book.post(book.transfer(cinema.backing, book.payable, 1))


def test_a_refund_brings_the_ticket_and_its_whole_face_value_back(cinema):
    captured = cinema.use(2, 1_250)
    cinema.do(refund_tickets, captured, 1, price_cents=625)
    assert cinema.state() == (2, 1_600, 625, [1_335, 890])
    with pytest.raises(CorrectsTooMuch):
        cinema.do(refund_tickets, captured, 2, price_cents=625)
    cinema.do(refund_tickets, captured, 1, price_cents=625, cancellation=True)
    assert cinema.state() == (3, 2_400, 0, [1_440, 960])


def test_a_refund_without_the_price_does_not_draw_on_the_funders_again(cinema):
    captured = cinema.use(1, 800)
    with pytest.raises(CorrectsTooMuch):
        cinema.do(refund_tickets, captured, 1, price_cents=0)
    assert cinema.state() == (2, 1_600, 800, [1_440, 960])


def test_after_the_season_the_price_goes_to_the_funders(cinema):
    captured = cinema.use(2, 1_250)
    cinema.do(expire, [cinema.tickets])
    assert cinema.state() == (0, 0, 1_250, [750, 500])
    cinema.do(refund_tickets, captured, 2, price_cents=1_250, to_funders=True)
    assert cinema.state() == (0, 0, 0, [0, 0])
    with pytest.raises(CorrectsTooMuch):
        cinema.do(refund_tickets, captured, 1, price_cents=1, to_funders=True)


def test_expired_tickets_come_back_with_their_backing(cinema):
    cinema.use(1, 800)
    assert cinema.do(expire, [cinema.tickets]) == 1_600
    cinema.do(regrant, cinema.tickets, 1)
    assert cinema.state() == (1, 800, 800, [960, 640])


def test_withdrawn_tickets_take_their_backing_along(cinema):
    cinema.do(withdraw, cinema.tickets, 2)
    assert cinema.state() == (1, 800, 0, [480, 320])


def test_a_benefit_in_kind_has_no_backing(book, at):
    cinema = Cinema(book, at, unit_cents=0)
    captured = cinema.use(2, 0)
    assert cinema.set_aside == 0
    assert book.kept(cinema.tickets) == (1, 0)
    cinema.do(refund_tickets, captured, 1, price_cents=0)
    assert book.kept(cinema.tickets) == (2, 0)


def test_only_used_tickets_are_refunded(cinema, book):
    with pytest.raises(NothingToCorrect):
        cinema.do(refund_tickets, [uuid7(cinema.at)], 1, price_cents=1)
    with pytest.raises(NothingToCorrect):
        cinema.do(refund_tickets, [book.capture(100).id], 1, price_cents=1)
