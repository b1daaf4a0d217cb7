"""Phones and tokens: who may hold a card, and what each phone is given."""

import threading
from datetime import UTC, timedelta
from uuid import uuid4

import cbor2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from cardsvc.cards import (
    block_card,
    current_card,
    declare_lost,
    enrol_phone,
    issue_token,
    issuer_keys,
    phones_of,
    replace_card,
    revoke_phone,
)
from cardsvc.cards.issue import phone_of
from cardsvc.cards.reasons import (
    CardBlocked,
    CardLost,
    IssuerKeyMissing,
    PhoneKeyRevoked,
    PhoneKeyTaken,
    PhoneLimitReached,
    PhoneUnknown,
)
from cardsvc.credential.token import verify_token
from sesame.platform.database import unit_of_work
from sesame.platform.problems import SesameError


def claims_in(token):
    """Read a token with a CBOR library alone (docs/credential.md, section 2)."""
    return cbor2.loads(cbor2.loads(token).value[2])


def test_the_first_phone_opens_the_card(session, beneficiary, new_phone, at):
    phone = new_phone()
    phone_id = enrol_phone(session, beneficiary, phone.jwk, at)
    row = session.execute(
        text(
            "SELECT k.state, k.public_jwk, c.beneficiary_id FROM cardsvc.phone_key k "
            "JOIN cardsvc.card c ON c.id = k.card_id WHERE k.id = :id"
        ),
        {"id": phone_id},
    ).one()
    assert (row.state, row.beneficiary_id) == ("active", beneficiary)
    assert row.public_jwk == {name: phone.jwk[name] for name in ("kty", "crv", "x", "y")}


def test_the_same_key_again_is_the_same_phone(session, beneficiary, new_phone, at):
    phone = new_phone()
    first = enrol_phone(session, beneficiary, phone.jwk, at)
    assert enrol_phone(session, beneficiary, phone.jwk, at + timedelta(minutes=1)) == first
    assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 1


def test_a_fourth_phone_is_refused_until_one_is_removed(session, beneficiary, new_phone, at):
    first, *_ = (enrol_phone(session, beneficiary, new_phone().jwk, at) for _ in range(3))
    with pytest.raises(PhoneLimitReached) as refused:
        enrol_phone(session, beneficiary, new_phone().jwk, at)
    assert refused.value.figures == {"limit": 3}
    revoke_phone(session, beneficiary, first, at)
    enrol_phone(session, beneficiary, new_phone().jwk, at)
    assert len(phones_of(session, beneficiary)) == 3


def test_phones_added_at_the_same_time_never_pass_the_limit(database, beneficiary, new_phone, at):
    answers = []
    together = threading.Barrier(6)

    def add(jwk):
        together.wait()
        try:
            with unit_of_work(database) as session:
                enrol_phone(session, beneficiary, jwk, at)
            answers.append("added")
        except PhoneLimitReached as refused:
            answers.append(refused.code)

    threads = [threading.Thread(target=add, args=[new_phone().jwk]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["added"] * 3 + ["phone_limit_reached"] * 3
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.card")) == 1
        assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 3


def test_the_database_refuses_a_fourth_phone_by_itself(session, beneficiary, new_phone, at):
    for _ in range(3):
        enrol_phone(session, beneficiary, new_phone().jwk, at)
    add = text(
        "INSERT INTO cardsvc.phone_key (id, card_id, slot, public_jwk, thumbprint, state, "
        "enrolled_at) SELECT :id, card_id, :slot, '{}', :print, 'active', enrolled_at "
        "FROM cardsvc.phone_key LIMIT 1"
    )
    for slot in (1, 2, 3, 4):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(add, {"id": uuid4(), "slot": slot, "print": bytes(32)})


def test_a_key_serves_one_card_for_ever(session, add_beneficiary, new_phone, at):
    zoe, max_ = add_beneficiary(), add_beneficiary("MAX", "AUTRE")
    phone = new_phone()
    phone_id = enrol_phone(session, zoe, phone.jwk, at)
    with pytest.raises(PhoneKeyTaken):
        enrol_phone(session, max_, phone.jwk, at)
    revoke_phone(session, zoe, phone_id, at)
    with pytest.raises(PhoneKeyTaken):
        enrol_phone(session, max_, phone.jwk, at)
    with pytest.raises(PhoneKeyRevoked):
        enrol_phone(session, zoe, phone.jwk, at)


BAD_KEYS = {
    "with its private part": (lambda jwk: {**jwk, "d": jwk["x"]}, "phone_key_private"),
    "of another curve": (lambda jwk: {**jwk, "crv": "P-384"}, "phone_key_wrong_curve"),
    "of another type": (lambda jwk: {"kty": "RSA", "n": "AQ", "e": "AQ"}, "phone_key_wrong_curve"),
    "off the curve": (lambda jwk: {**jwk, "y": jwk["x"]}, "phone_key_malformed"),
    "with a coordinate missing": (
        lambda jwk: {name: jwk[name] for name in ("kty", "crv", "x")},
        "phone_key_malformed",
    ),
    "with a short coordinate": (lambda jwk: {**jwk, "x": "AQ"}, "phone_key_malformed"),
    "with a number for a coordinate": (lambda jwk: {**jwk, "x": 7}, "phone_key_malformed"),
    "empty": (lambda jwk: {}, "phone_key_wrong_curve"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_key_is_refused_with_its_reason_and_nothing_is_written(
    session, beneficiary, new_phone, at, case
):
    spoil, code = BAD_KEYS[case]
    with pytest.raises(SesameError) as refused:
        enrol_phone(session, beneficiary, spoil(new_phone().jwk), at)
    assert refused.value.code == code
    assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 0
    assert session.scalar(text("SELECT count(*) FROM cardsvc.card")) == 0


def test_a_token_says_what_its_row_says_for_seven_days(
    session, settings, beneficiary, issuer_key_id, new_phone, at
):
    phone = new_phone()
    phone_id = enrol_phone(session, beneficiary, phone.jwk, at)
    token = issue_token(session, settings, phone_id, at + timedelta(microseconds=999))
    row = session.execute(
        text("SELECT * FROM cardsvc.token WHERE phone_key_id = :id"), {"id": phone_id}
    ).one()
    claims = claims_in(token)
    assert claims[1] == "FR-VA"
    assert claims[7] == row.token_id
    assert claims[-65537] == row.status_index
    assert claims[6] == int(at.timestamp()) == int(row.issued_at.timestamp())
    assert claims[4] == claims[6] + 7 * 24 * 3600 == int(row.expires_at.timestamp())
    assert row.issuer_key_id == issuer_key_id
    assert row.expires_at.astimezone(UTC).microsecond == 0
    verified = verify_token(token, issuer_keys(session), at)
    numbers = verified.holder_public_key.public_numbers()
    assert numbers == phone.key.public_key().public_numbers()


def test_each_token_has_an_id_and_a_place_of_its_own(
    session, settings, beneficiary, issuer_key_id, new_phone, at
):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    claims = [claims_in(issue_token(session, settings, phone_id, at)) for _ in range(20)]
    assert len({each[7] for each in claims}) == 20
    places = [each[-65537] for each in claims]
    assert len(set(places)) == 20
    assert places != sorted(places)


def test_no_token_for_a_phone_that_was_removed_or_that_nobody_knows(
    session, settings, beneficiary, issuer_key_id, new_phone, at
):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    revoke_phone(session, beneficiary, phone_id, at)
    with pytest.raises(PhoneKeyRevoked):
        issue_token(session, settings, phone_id, at)
    with pytest.raises(PhoneUnknown):
        issue_token(session, settings, uuid4(), at)
    assert session.scalar(text("SELECT count(*) FROM cardsvc.token")) == 0


def test_no_token_and_no_phone_for_a_blocked_or_lost_card(
    session, settings, beneficiary, issuer_key_id, new_phone, at
):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    card = current_card(session, beneficiary)
    block_card(session, card.id, at, reason="holder_asked")
    with pytest.raises(CardBlocked):
        issue_token(session, settings, phone_id, at)
    with pytest.raises(CardBlocked):
        enrol_phone(session, beneficiary, new_phone().jwk, at)
    declare_lost(session, card.id, at, reason="lost_by_holder")
    with pytest.raises(CardLost):
        issue_token(session, settings, phone_id, at)


def test_no_token_without_a_signing_key(session, settings, beneficiary, new_phone, at):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    with pytest.raises(IssuerKeyMissing):
        issue_token(session, settings, phone_id, at)


def test_the_phones_of_a_lost_card_do_not_follow_to_the_new_one(
    session, beneficiary, new_phone, at
):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    declare_lost(session, current_card(session, beneficiary).id, at, reason="lost_by_holder")
    replace_card(session, beneficiary, at + timedelta(days=1))
    assert phones_of(session, beneficiary) == []
    with pytest.raises(PhoneUnknown):
        phone_of(session, beneficiary, phone_id)


def test_nobody_removes_somebody_elses_phone(session, add_beneficiary, new_phone, at):
    zoe, max_ = add_beneficiary(), add_beneficiary("MAX", "AUTRE")
    phone_id = enrol_phone(session, zoe, new_phone().jwk, at)
    enrol_phone(session, max_, new_phone().jwk, at)
    with pytest.raises(PhoneUnknown):
        revoke_phone(session, max_, phone_id, at)
    assert [phone.id for phone in phones_of(session, zoe)] == [phone_id]


def test_removing_a_phone_twice_keeps_the_first_moment(session, beneficiary, new_phone, at):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    revoke_phone(session, beneficiary, phone_id, at)
    revoke_phone(session, beneficiary, phone_id, at + timedelta(days=1))
    revoked_at = session.scalar(
        text("SELECT revoked_at FROM cardsvc.phone_key WHERE id = :id"), {"id": phone_id}
    )
    assert revoked_at == at


def test_a_token_is_never_rewritten(session, settings, beneficiary, issuer_key_id, new_phone, at):
    phone_id = enrol_phone(session, beneficiary, new_phone().jwk, at)
    issue_token(session, settings, phone_id, at)
    with pytest.raises(DatabaseError, match="permission denied"):
        session.execute(text("UPDATE cardsvc.token SET expires_at = expires_at + interval '1 y'"))
