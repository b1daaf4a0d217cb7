"""Taking back: never more than was moved, named by what takes it back."""

import pytest

from ledger.corrections import cancel, correct_fund, refund, return_payment
from ledger.reasons import CorrectsTooMuch, InsufficientBalance, NothingToCorrect
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


@pytest.fixture
def act(book, at):
    """Do something in a unit of work of its own, with an id and the dates of a correction."""

    def call(rule, *values, id_name, **more):
        new = uuid7(at)
        with unit_of_work(book.database) as session:
            rule(
                session, *values, **{id_name: new}, correlation_id=uuid7(at), counts_at=at, at=at,
                **more,
            )  # fmt: skip
        return new

    return call


def test_refunds_never_exceed_their_capture(book, act):
    capture = book.capture(3_000)
    act(refund, capture.id, 1_000, id_name="refund_id")
    act(cancel, capture.id, 1_500, id_name="cancellation_id")
    with pytest.raises(CorrectsTooMuch):
        act(refund, capture.id, 501, id_name="refund_id")
    act(refund, capture.id, 500, id_name="refund_id")
    with pytest.raises(CorrectsTooMuch):
        act(refund, capture.id, 1, id_name="refund_id")
    assert book.kept(book.entitlement) == (7_000, 0)
    assert book.summed(book.payable) == 0


def test_a_refund_names_its_capture(book, act):
    capture = book.capture(3_000)
    back = act(refund, capture.id, 1_000, id_name="refund_id")
    assert book.rows("SELECT kind, corrects_id FROM ledger.transfer WHERE id = %s", back) == [
        ("refund", capture.id)
    ]


def test_only_a_capture_is_refunded(book, act, at):
    capture = book.capture(3_000)
    back = act(refund, capture.id, 1_000, id_name="refund_id")
    for other in (back, uuid7(at)):
        with pytest.raises(NothingToCorrect):
            act(refund, other, 1, id_name="refund_id")


def test_a_funding_is_corrected_as_far_as_the_envelope_holds_it(book, act):
    (fund,) = book.rows("SELECT id FROM ledger.transfer WHERE kind = 'fund'")
    with pytest.raises(InsufficientBalance):
        act(correct_fund, fund[0], 93_001, id_name="correction_id")
    act(correct_fund, fund[0], 93_000, id_name="correction_id")
    assert book.kept(book.envelope) == (0, 0)
    with pytest.raises(CorrectsTooMuch):
        act(correct_fund, fund[0], 7_001, id_name="correction_id")


def test_a_payment_that_comes_back_is_owed_again(book, act, at):
    book.capture(3_000)
    transit, paid = book.open("in_transit"), book.open("paid")
    remit = book.transfer(book.payable, transit, 3_000, "remit")
    settle = book.transfer(transit, paid, 2_000, "settle")
    book.post(remit, settle)
    act(return_payment, remit.id, 1_000, id_name="return_id")
    act(return_payment, settle.id, 2_000, id_name="return_id", payable=book.payable)
    assert (book.summed(book.payable), book.summed(transit), book.summed(paid)) == (3_000, 0, 0)
    with pytest.raises(CorrectsTooMuch):
        act(return_payment, settle.id, 1, id_name="return_id", payable=book.payable)
