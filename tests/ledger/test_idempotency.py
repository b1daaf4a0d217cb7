"""A retry is normal."""

import threading

import pytest

from ledger.idempotency import claim, content_hash, find
from sesame.platform.database import unit_of_work
from sesame.platform.problems import IdempotencyConflict

HASH = content_hash(b"the same")


def test_a_free_key_is_claimed_and_the_same_content_gets_the_first_answer(database, at):
    with unit_of_work(database) as session:
        assert claim(session, "test", "key-00000001", HASH, {"answer": 1}, at=at) is None
    with unit_of_work(database) as session:
        assert claim(session, "test", "key-00000001", HASH, {"answer": 2}, at=at) == {"answer": 1}
        assert find(session, "test", "key-00000001").outcome_for(HASH) == {"answer": 1}


def test_another_content_under_the_same_key_is_a_conflict(database, at):
    with unit_of_work(database) as session:
        claim(session, "test", "key-00000001", HASH, {}, at=at)
        with pytest.raises(IdempotencyConflict):
            claim(session, "test", "key-00000001", content_hash(b"other"), {}, at=at)


def test_the_same_key_in_another_scope_is_another_key(database, at):
    with unit_of_work(database) as session:
        assert claim(session, "one", "key-00000001", HASH, {}, at=at) is None
        assert claim(session, "two", "key-00000001", HASH, {}, at=at) is None


def test_what_was_rolled_back_was_never_claimed(database, at):
    with database.sessions() as session:
        claim(session, "test", "key-00000001", HASH, {}, at=at)
        session.rollback()
        assert find(session, "test", "key-00000001") is None


def test_fifty_claims_at_once_give_one_claim_and_forty_nine_equal_answers(database, at):
    answers = []
    start = threading.Barrier(50)

    def ask(number):
        start.wait()
        with unit_of_work(database) as session:
            got = claim(session, "test", "key-00000001", HASH, {"by": number}, at=at)
        answers.append((number, got))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, got in answers if got is None]
    assert len(winners) == 1
    assert all(got == {"by": winners[0]} for _, got in answers if got is not None)


def test_the_parts_of_a_content_are_told_apart():
    assert content_hash(b"ab", b"c") != content_hash(b"a", b"bc")
