"""One key, brought twice at the same moment."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text

from cardsvc.cards import enrol_phone
from sesame.platform.database import unit_of_work


class GaveUp(Exception):
    """What the first one's unit of work ends with, when it is to leave nothing."""


@pytest.fixture
def while_another_enrols(database, settings, at):
    """Enrol `jwk` for one holder, uncommitted; ask the same for another, who waits; then end the
    first. Gives the second's outcomes, filled once it has finished.
    """

    @contextmanager
    def both(first_holder, second_holder, jwk):
        outcomes = []

        def second():
            try:
                with unit_of_work(database) as session:
                    outcomes.append(enrol_phone(session, second_holder, jwk, at))
            except Exception as refused:
                outcomes.append(getattr(refused, "code", type(refused).__name__))

        thread = threading.Thread(target=second)
        with unit_of_work(database) as session:
            outcomes.append(enrol_phone(session, first_holder, jwk, at))
            thread.start()
            with psycopg.connect(settings.database_url, autocommit=True) as watcher:
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                while watcher.execute(waiting).fetchone() == (0,):
                    assert thread.is_alive()
            try:
                yield outcomes
            except GaveUp:
                session.rollback()
        thread.join(10)

    return both


def holders(database):
    with unit_of_work(database) as session:
        return session.scalars(
            text(
                "SELECT c.beneficiary_id FROM cardsvc.phone_key k "
                "JOIN cardsvc.card c ON c.id = k.card_id"
            )
        ).all()


def test_a_key_that_two_holders_bring_at_once_is_the_first_ones(
    while_another_enrols, beneficiary, add_beneficiary, new_phone, database
):
    with while_another_enrols(beneficiary, add_beneficiary("MAX"), new_phone().jwk) as outcomes:
        pass
    assert outcomes[1:] == ["phone_key_taken"]
    assert holders(database) == [beneficiary]


def test_a_key_that_its_holder_sends_twice_at_once_is_one_phone(
    while_another_enrols, beneficiary, new_phone, database
):
    with while_another_enrols(beneficiary, beneficiary, new_phone().jwk) as outcomes:
        pass
    assert outcomes[1:] == outcomes[:1]
    assert holders(database) == [beneficiary]


def test_a_key_whose_first_enrolment_came_to_nothing_is_the_seconds(
    while_another_enrols, beneficiary, add_beneficiary, new_phone, database
):
    other = add_beneficiary("MAX")
    with while_another_enrols(beneficiary, other, new_phone().jwk):
        raise GaveUp
    assert holders(database) == [other]
