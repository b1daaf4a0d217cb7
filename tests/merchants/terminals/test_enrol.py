"""A one-time code and a key become a terminal."""

import threading
from datetime import timedelta

import psycopg
import pytest

from merchants.directory.reasons import SiteUnknown
from merchants.terminals.codes import ALPHABET, make_code
from merchants.terminals.enrol import enrol_terminal
from merchants.terminals.reasons import (
    TerminalCodeExpired,
    TerminalCodeUnknown,
    TerminalCodeUsed,
    TerminalKeyInvalid,
    TerminalKeyKnown,
)
from sesame.platform.database import unit_of_work


@pytest.fixture
def enrol(database, settings, at):
    def enrol(code, jwk, kind="till", at=at):
        with unit_of_work(database) as session:
            return enrol_terminal(session, settings, code=code, public_key=jwk, kind=kind, at=at)

    return enrol


def _terminals(test_database):
    with psycopg.connect(test_database.url()) as connection:
        return connection.execute(
            "SELECT t.id, t.number, t.kind, t.public_key, x.to_state FROM merchants.terminal t "
            "JOIN merchants.terminal_transition x ON x.terminal_id = t.id ORDER BY t.number"
        ).fetchall()


def test_a_code_is_shown_once_and_only_its_hash_is_kept(session, settings, test_database, shop, at):
    made = make_code(session, settings, shop.site_id, at=at)
    session.commit()
    bare = made.code.replace("-", "")
    assert len(bare) == 8
    assert set(bare) <= set(ALPHABET)
    assert made.expires_at == at + timedelta(days=1)
    with psycopg.connect(test_database.url()) as connection:
        row = connection.execute("SELECT code_hash, t::text FROM merchants.terminal_code t")
        code_hash, everything = row.fetchone()
    assert len(code_hash) == 32
    assert bare not in everything
    assert bare.encode().hex() not in everything


def test_a_code_for_an_unknown_site_is_not_made(session, settings, shop, at):
    with pytest.raises(SiteUnknown):
        make_code(session, settings, shop.merchant_id, at=at)


def test_a_terminal_keeps_its_key_and_begins_active(enrol, code_for, new_key, test_database, shop):
    key = new_key()
    enrolled = enrol(code_for(shop), key.jwk)
    assert (enrolled.number, enrolled.site_name) == (1, "Librairie des Trois Ponts")
    numbers = key.private.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    assert _terminals(test_database) == [(enrolled.terminal_id, 1, "till", point, "active")]


def test_terminals_of_a_site_are_numbered(enrol, code_for, new_key, shop):
    assert [enrol(code_for(shop), new_key().jwk).number for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "]
)
def test_a_code_may_be_typed_loosely(enrol, code_for, new_key, shop, change):
    assert enrol(change(code_for(shop)), new_key().jwk).number == 1


def test_a_letter_read_for_a_digit_is_understood(enrol, code_for, new_key, shop, monkeypatch):
    signs = iter("01AB23CD")
    monkeypatch.setattr("merchants.terminals.codes.secrets.choice", lambda alphabet: next(signs))
    assert code_for(shop) == "01AB-23CD"
    assert enrol("olAB-23CD", new_key().jwk).number == 1


def test_a_code_serves_once(enrol, code_for, new_key, test_database, shop):
    code = code_for(shop)
    enrol(code, new_key().jwk)
    with pytest.raises(TerminalCodeUsed):
        enrol(code, new_key().jwk)
    assert len(_terminals(test_database)) == 1


def test_a_lost_answer_is_had_again_with_the_same_code_and_key(
    enrol, code_for, new_key, test_database, shop
):
    code, key = code_for(shop), new_key()
    first = enrol(code, key.jwk)
    assert enrol(code, key.jwk) == first
    assert len(_terminals(test_database)) == 1


def test_a_code_lasts_a_day(enrol, code_for, new_key, test_database, shop, at):
    code = code_for(shop)
    with pytest.raises(TerminalCodeExpired):
        enrol(code, new_key().jwk, at=at + timedelta(days=1))
    last_moment = at + timedelta(days=1) - timedelta(seconds=1)
    assert enrol(code, new_key().jwk, at=last_moment).number == 1


@pytest.mark.parametrize("code", ["AAAA-AAAA", "", "'; DROP TABLE merchants.terminal; --", "é"])
def test_an_unknown_code_enrols_nothing(enrol, new_key, test_database, shop, code):
    with pytest.raises(TerminalCodeUnknown):
        enrol(code, new_key().jwk)
    assert _terminals(test_database) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"crv": "P-384"}, "key_wrong_curve"),
        ({"kty": "RSA"}, "key_wrong_curve"),
        ({"d": "AAAA"}, "key_is_private"),
        ({"x": "AAAA"}, "key_malformed"),
        ({"y": "A" * 43}, "key_malformed"),
    ],
)
def test_a_key_that_cannot_serve_spends_no_code(
    enrol, code_for, new_key, test_database, shop, changed, problem
):
    code, key = code_for(shop), new_key()
    with pytest.raises(TerminalKeyInvalid) as refused:
        enrol(code, {**key.jwk, **changed})
    assert refused.value.figures == {"problem": problem}
    assert enrol(code, key.jwk).number == 1


def test_two_terminals_never_share_a_key(enrol, code_for, add_shop, new_key, test_database):
    first, second, key = add_shop(), add_shop("Le Zootrope"), new_key()
    enrol(code_for(first), key.jwk)
    code = code_for(second)
    with pytest.raises(TerminalKeyKnown):
        enrol(code, key.jwk)
    assert enrol(code, new_key().jwk).number == 1
    assert len(_terminals(test_database)) == 2


def test_one_code_used_twice_at_once_enrols_one_terminal(
    enrol, code_for, new_key, test_database, shop
):
    code = code_for(shop)
    start, outcomes = threading.Barrier(2), []

    def take(key):
        start.wait()
        try:
            outcomes.append(enrol(code, key.jwk).number)
        except TerminalCodeUsed as refused:
            outcomes.append(refused.code)

    both = [threading.Thread(target=take, args=(new_key(),)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=10)
    assert sorted(outcomes, key=str) == [1, "terminal_code_used"]
    assert len(_terminals(test_database)) == 1


def test_two_codes_of_a_site_used_at_once_take_two_numbers(
    enrol, code_for, new_key, test_database, shop
):
    start, numbers = threading.Barrier(4), []

    def take(code, key):
        start.wait()
        numbers.append(enrol(code, key.jwk).number)

    all_four = [threading.Thread(target=take, args=(code_for(shop), new_key())) for _ in range(4)]
    for each in all_four:
        each.start()
    for each in all_four:
        each.join(timeout=10)
    assert sorted(numbers) == [1, 2, 3, 4]


def test_one_key_enrolled_in_two_shops_at_once_serves_one(
    enrol, code_for, add_shop, new_key, test_database
):
    key, start, outcomes = new_key(), threading.Barrier(2), []
    codes = [code_for(add_shop()), code_for(add_shop("Le Zootrope"))]

    def take(code):
        start.wait()
        try:
            outcomes.append(enrol(code, key.jwk).number)
        except TerminalKeyKnown as refused:
            outcomes.append(refused.code)

    both = [threading.Thread(target=take, args=(code,)) for code in codes]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=10)
    assert sorted(outcomes, key=str) == [1, "terminal_key_known"]
    assert len(_terminals(test_database)) == 1
