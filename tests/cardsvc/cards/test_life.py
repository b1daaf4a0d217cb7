"""The life of a card: one a person, moved by its transitions alone, and the database's own no."""

from datetime import timedelta
from itertools import product
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from stdnum import luhn

from cardsvc.cards import block_card, declare_lost, open_card, replace_card, unblock_card
from cardsvc.cards.life import card_number
from cardsvc.cards.reasons import CardMissing, CardMoveRefused
from sesame.platform.database.connection import OWNER_ROLE

STATES = ("active", "blocked", "lost", "expired")
ALLOWED = {
    ("active", "blocked"),
    ("blocked", "active"),
    ("active", "lost"),
    ("blocked", "lost"),
    ("active", "expired"),
    ("blocked", "expired"),
}


def state_of(session, card_id):
    return session.scalar(text("SELECT state FROM cardsvc.card WHERE id = :id"), {"id": card_id})


def put_in_state(session, card_id, state, at):
    """Bring an active card to `state`, by the table of transitions and in raw SQL."""
    if state != "active":
        insert_transition(session, card_id, "active", state, at)


def insert_transition(session, card_id, from_state, to_state, at):
    session.execute(
        text(
            "INSERT INTO cardsvc.card_transition (id, card_id, from_state, to_state, reason, at) "
            "VALUES (:id, :card, :from_state, :to_state, 'a_test', :at)"
        ),
        {
            "id": uuid4(),
            "card": card_id,
            "from_state": from_state,
            "to_state": to_state,
            "at": at,
        },
    )


def test_opening_a_card_twice_gives_the_same_card(session, beneficiary, at):
    first = open_card(session, beneficiary, at)
    assert open_card(session, beneficiary, at + timedelta(days=1)) == first
    assert session.scalar(text("SELECT count(*) FROM cardsvc.card")) == 1
    assert state_of(session, first) == "active"


def test_card_numbers_have_twelve_digits_and_a_luhn_check_that_another_library_accepts():
    numbers = {card_number() for _ in range(500)}
    assert len(numbers) == 500
    for number in numbers:
        assert len(number) == 12
        assert luhn.is_valid(number)


def test_a_blocked_card_can_be_unblocked_and_both_leave_a_trace(session, beneficiary, at):
    card_id = open_card(session, beneficiary, at)
    officer = uuid4()
    block_card(session, card_id, at, reason="holder_asked", by_id=officer)
    assert state_of(session, card_id) == "blocked"
    unblock_card(session, card_id, at + timedelta(hours=1), reason="found_again")
    assert state_of(session, card_id) == "active"
    traces = session.execute(
        text(
            "SELECT from_state, to_state, reason, by_id, at FROM cardsvc.card_transition "
            "WHERE card_id = :id ORDER BY at"
        ),
        {"id": card_id},
    ).all()
    assert [tuple(trace) for trace in traces] == [
        ("active", "blocked", "holder_asked", officer, at),
        ("blocked", "active", "found_again", None, at + timedelta(hours=1)),
    ]


def test_a_lost_card_is_final_and_another_is_given_only_by_replacing_it(session, beneficiary, at):
    lost = open_card(session, beneficiary, at)
    declare_lost(session, lost, at, reason="lost_by_holder")
    with pytest.raises(CardMoveRefused) as refused:
        unblock_card(session, lost, at, reason="found_again")
    assert refused.value.code == "card_move_refused"
    assert open_card(session, beneficiary, at) == lost
    second = replace_card(session, beneficiary, at + timedelta(days=1))
    assert second != lost
    assert state_of(session, second) == "active"
    assert open_card(session, beneficiary, at + timedelta(days=2)) == second


def test_a_living_card_is_not_replaced(session, beneficiary, at):
    open_card(session, beneficiary, at)
    with pytest.raises(CardMoveRefused):
        replace_card(session, beneficiary, at)
    assert session.scalar(text("SELECT count(*) FROM cardsvc.card")) == 1


def test_nobody_without_a_card_gets_a_replacement(session, beneficiary, at):
    with pytest.raises(CardMissing):
        replace_card(session, beneficiary, at)


def test_a_card_that_does_not_exist_cannot_be_blocked(session, scheme, at):
    with pytest.raises(CardMissing):
        block_card(session, uuid4(), at, reason="holder_asked")


def test_the_database_refuses_a_second_living_card(session, beneficiary, at):
    open_card(session, beneficiary, at)
    with pytest.raises(DatabaseError, match="uq_card_live"):
        session.execute(
            text(
                "INSERT INTO cardsvc.card (id, beneficiary_id, number, state, opened_at) "
                "VALUES (:id, :person, '000000000000', 'active', :at)"
            ),
            {"id": uuid4(), "person": beneficiary, "at": at},
        )


def test_the_database_moves_a_card_only_as_its_life_allows(session, add_beneficiary, at):
    moved = set()
    for from_state, to_state in product(STATES, STATES):
        card_id = open_card(session, add_beneficiary(), at)
        put_in_state(session, card_id, from_state, at)
        try:
            with session.begin_nested():
                insert_transition(session, card_id, from_state, to_state, at)
        except DatabaseError:
            assert state_of(session, card_id) == from_state
        else:
            assert state_of(session, card_id) == to_state
            moved.add((from_state, to_state))
    assert moved == ALLOWED


def test_the_database_refuses_a_transition_from_a_state_that_the_card_is_not_in(
    session, beneficiary, at
):
    card_id = open_card(session, beneficiary, at)
    with pytest.raises(DatabaseError, match="not in the state blocked"):
        insert_transition(session, card_id, "blocked", "lost", at)


def test_the_application_cannot_write_a_cards_state_without_a_transition(session, beneficiary, at):
    card_id = open_card(session, beneficiary, at)
    with pytest.raises(DatabaseError, match="permission denied"):
        session.execute(
            text("UPDATE cardsvc.card SET state = 'blocked' WHERE id = :id"), {"id": card_id}
        )


REWRITINGS = (
    "UPDATE cardsvc.card SET state = 'active'",
    "UPDATE cardsvc.card SET number = '123456789012'",
    "UPDATE cardsvc.card_transition SET reason = 'another'",
    "DELETE FROM cardsvc.card_transition",
    "TRUNCATE cardsvc.card_transition CASCADE",
    "DELETE FROM cardsvc.card_move",
)


def test_not_even_the_owner_of_the_tables_rewrites_what_happened(
    session, beneficiary, at, test_database
):
    card_id = open_card(session, beneficiary, at)
    declare_lost(session, card_id, at, reason="lost_by_holder")
    session.commit()
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as owner:
        for rewriting in REWRITINGS:
            with pytest.raises(psycopg.DatabaseError) as refused:
                owner.execute(rewriting)
            assert refused.value.sqlstate in {"SC001", "SP001"}, rewriting


def test_a_card_cannot_begin_in_another_state_than_active(session, beneficiary, at):
    with pytest.raises(DatabaseError, match="begins active"):
        session.execute(
            text(
                "INSERT INTO cardsvc.card (id, beneficiary_id, number, state, opened_at) "
                "VALUES (:id, :person, '000000000000', 'expired', :at)"
            ),
            {"id": uuid4(), "person": beneficiary, "at": at},
        )
