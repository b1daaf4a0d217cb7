"""What a purchase is told of a token, asked in raw SQL as the purchase does."""

from datetime import datetime, timedelta

import cbor2
import pytest
from sqlalchemy import text

from cardsvc.cards import block_card, current_card, enrol_phone, issue_token, revoke_phone

ASK = text("SELECT cardsvc.spending_state(:token_id, :at, :day)")


def token_id_of(token):
    return cbor2.loads(cbor2.loads(token).value[2])[7]


@pytest.fixture
def phone_id(session, beneficiary, issuer_key_id, new_phone, at):
    return enrol_phone(session, beneficiary, new_phone().jwk, at)


@pytest.fixture
def token_id(session, settings, phone_id, at):
    return token_id_of(issue_token(session, settings, phone_id, at))


def ask(session, token_id, at):
    return session.scalar(ASK, {"token_id": token_id, "at": at, "day": "2026-11-24"})


def test_a_good_token_tells_its_card_phone_and_holder(session, beneficiary, token_id, at):
    state = ask(session, token_id, at)
    assert state["card_id"] == str(current_card(session, beneficiary).id)
    assert state["beneficiary_id"] == str(beneficiary)
    assert (state["card_state"], state["phone_key_state"]) == ("active", "active")
    assert datetime.fromisoformat(state["token_expires_at"]) == at + timedelta(days=7)
    assert state["entitlements"] == []
    assert state["usage"] == []


def test_a_token_that_we_never_gave_tells_nothing(session, token_id, at):
    assert ask(session, bytes(16), at) is None


def test_a_blocked_card_and_a_removed_phone_are_told(session, beneficiary, phone_id, token_id, at):
    block_card(session, current_card(session, beneficiary).id, at, reason="holder_asked")
    revoke_phone(session, beneficiary, phone_id, at)
    state = ask(session, token_id, at)
    assert (state["card_state"], state["phone_key_state"]) == ("blocked", "revoked")


def test_the_rights_that_the_programmes_tell_are_passed_on_as_they_are(
    session, beneficiary, token_id, at
):
    told = session.scalar(
        text("SELECT cardsvc.entitlement_state(:person, :at, '2026-11-24')"),
        {"person": beneficiary, "at": at},
    )
    state = ask(session, token_id, at)
    assert {name: state[name] for name in told} == told


def test_the_look_up_reads_by_index_alone(session, token_id):
    """No table is read from end to end, however small: sequential scans are priced out of sight."""
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = "\n".join(
        session.scalars(
            text(
                "EXPLAIN SELECT 1 FROM cardsvc.token t "
                "JOIN cardsvc.phone_key k ON k.id = t.phone_key_id "
                "JOIN cardsvc.card c ON c.id = t.card_id WHERE t.token_id = :id"
            ),
            {"id": token_id},
        )
    )
    assert "Seq Scan" not in plan
