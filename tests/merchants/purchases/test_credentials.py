"""Codes that aren't good: each refused by its own reason, through the API."""

import secrets
from datetime import timedelta
from time import monotonic

import base45
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.cards import issuer
from cardsvc.cards.issuer import rotate_issuer_key, signing_key, withdraw_issuer_key
from cardsvc.credential.keys import IssuerKey
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.token import issue_token
from sesame.platform.database import Database, unit_of_work


@pytest.fixture
def refused(town):
    """Show a text at the till; the one code for which it is refused, with nothing taken."""

    def show(qr, **more):
        counts, balances = town.everything()
        codes = town.refused(town.till.post(town.basket(("textbooks", 500), qr=qr, **more)))
        for name in ("merchants.decision", "ledger.idempotency"):
            counts[name] += 1
        assert town.everything() == (counts, balances)
        (code,) = codes
        return code

    return show


def shown(student, token, at):
    return encode_presentation(token, make_proof(student.phone, token, at, secrets.token_bytes(8)))


def forged(town, **changed):
    """A token signed by the scheme's own key, about a card that no row knows."""
    at = town.clock.now()
    with town.database.sessions() as session:
        key = changed.pop("key", None) or signing_key(town.settings, session)
    said = {
        "token_id": secrets.token_bytes(16),
        "holder_public_key": town.student.phone.public_key(),
        "status_index": 7,
        "issued_at": at,
        "expires_at": at + timedelta(days=1),
    }
    return issue_token(key, **(said | changed))


def with_claim(token, name, change):
    tag = cbor2.loads(token)
    protected, unprotected, payload, signature = tag.value
    claims = cbor2.loads(payload)
    claims[name] = change(claims[name])
    value = [protected, unprotected, cbor2.dumps(claims), signature]
    return cbor2.dumps(cbor2.CBORTag(18, value))


def turned(data):
    return data[:-1] + bytes([data[-1] ^ 1])


CHANGED_CLAIMS = {
    "expires": (4, lambda seconds: seconds + 86_400),
    "issued": (6, lambda seconds: seconds - 1),
    "token id": (7, turned),
    "holder key": (8, lambda cnf: {1: {**cnf[1], -2: turned(cnf[1][-2])}}),
    "holder key's sign": (8, lambda cnf: {1: {**cnf[1], -3: not cnf[1][-3]}}),
    "status index": (-65537, lambda index: index ^ 1),
}


@pytest.mark.parametrize("claim", CHANGED_CLAIMS)
def test_a_token_with_one_claim_changed_is_refused(town, refused, claim):
    token = with_claim(town.student.token, *CHANGED_CLAIMS[claim])
    assert refused(shown(town.student, token, town.clock.now())) == "token_signature_invalid"


def test_a_token_with_one_bit_of_its_signature_changed_is_refused(town, refused):
    token = turned(town.student.token)
    assert refused(shown(town.student, token, town.clock.now())) == "token_signature_invalid"


def test_a_token_that_names_another_region_is_refused(town, refused):
    token = with_claim(town.student.token, 1, lambda _: "FR-ZZ")
    assert refused(shown(town.student, token, town.clock.now())) == "issuer_unknown"


def test_a_token_of_another_region_is_refused(town, refused):
    token = forged(town, key=IssuerKey.generate("FR-84"))
    assert refused(shown(town.student, token, town.clock.now())) == "issuer_unknown"


def test_a_token_signed_by_a_key_that_only_claims_the_region_is_refused(town, refused):
    token = forged(town, key=IssuerKey.generate("FR-VA"))
    assert refused(shown(town.student, token, town.clock.now())) == "issuer_key_unknown"


def test_a_key_that_was_withdrawn_pays_no_more_and_one_that_retired_still_does(town, refused):
    student = town.student
    with unit_of_work(town.database) as session:
        former = signing_key(town.settings, session).key_id.hex()
        rotate_issuer_key(town.settings, session, town.clock.now())
    assert town.answer(("books", 100))["outcome"] == "approved"
    with unit_of_work(town.database) as session:
        withdraw_issuer_key(session, former)
    assert refused(student.qr(town.clock.now())) == "issuer_key_unknown"
    town.renew_token(student)
    assert town.answer(("books", 100))["outcome"] == "approved"


def test_a_card_signed_by_a_key_that_another_process_has_just_made_pays(town, monkeypatch):
    assert town.answer(("books", 100))["outcome"] == "approved"
    elsewhere = Database(town.test_database.url())
    with unit_of_work(elsewhere) as session:
        rotate_issuer_key(town.settings, session, town.clock.now())
    elsewhere.dispose()
    town.renew_token(town.student)
    two_seconds_later = monotonic() + 2
    monkeypatch.setattr(issuer, "monotonic", lambda: two_seconds_later)
    assert town.answer(("books", 100))["outcome"] == "approved"


def test_a_genuine_token_that_no_row_knows_is_refused(town, refused):
    assert refused(shown(town.student, forged(town), town.clock.now())) == "token_unknown"


def test_a_token_pays_until_it_expires_and_not_at_that_second(town, refused):
    student = town.student
    town.clock.advance(timedelta(days=7, seconds=-1))
    assert town.answer(("textbooks", 500))["outcome"] == "approved"
    town.clock.advance(timedelta(seconds=1))
    assert refused(student.qr(town.clock.now())) == "token_expired"


def test_a_token_from_later_than_a_clocks_tolerance_is_refused(town, refused):
    student = town.student
    town.clock.advance(timedelta(seconds=-10))
    assert town.answer(("textbooks", 500))["outcome"] == "approved"
    town.clock.advance(timedelta(seconds=-1))
    assert refused(student.qr(town.clock.now())) == "token_not_yet_valid"


@pytest.mark.parametrize(("age", "code"), [(31, "proof_expired"), (-11, "proof_from_future")])
def test_a_proof_outside_its_window_is_refused(town, refused, age, code):
    assert refused(town.student.qr(town.clock.now() - timedelta(seconds=age))) == code


def test_a_refused_code_is_kept_with_its_card_so_that_the_holder_can_be_told(town):
    qr = town.student.qr(town.clock.now() - timedelta(minutes=5))
    assert town.refusal(("textbooks", 500), qr=qr) == ["proof_expired"]
    # A proof that isn't believed has no nonce to remember.
    token_id = cbor2.loads(cbor2.loads(town.student.token).value[2])[7]
    assert town.kept("token_id, proof_nonce, reasons") == [(token_id, None, ["proof_expired"])]


@pytest.mark.parametrize("age", [30, -10])
def test_a_proof_at_the_edge_of_its_window_pays(town, age):
    qr = town.student.qr(town.clock.now() - timedelta(seconds=age))
    assert town.answer(("textbooks", 500), qr=qr)["outcome"] == "approved"


def test_a_proof_by_another_phone_is_refused(town, refused):
    thief = ec.generate_private_key(ec.SECP256R1())
    token = town.student.token
    proof = make_proof(thief, token, town.clock.now(), secrets.token_bytes(8))
    assert refused(encode_presentation(token, proof)) == "proof_signature_invalid"


def test_a_proof_made_for_another_token_of_the_same_phone_is_refused(town, refused):
    first = town.student.token
    town.renew_token(town.student)
    proof = make_proof(town.student.phone, first, town.clock.now(), secrets.token_bytes(8))
    assert refused(encode_presentation(town.student.token, proof)) == "proof_signature_invalid"


@pytest.mark.parametrize(
    "place", [12, 16, 30, 88], ids=["time", "nonce", "signature r", "signature s"]
)
def test_a_proof_with_one_bit_changed_is_refused(town, refused, place):
    token = town.student.token
    proof = bytearray(make_proof(town.student.phone, token, town.clock.now(), bytes(8)))
    proof[place] ^= 1
    assert refused(encode_presentation(token, bytes(proof))) == "proof_signature_invalid"


def _changed_text(qr):
    body = base45.b45decode(qr.removeprefix("SES1:"))

    def text(data):
        return "SES1:" + base45.b45encode(data).decode()

    return {
        "an address": "https://example.org/carte",
        "an empty card": "SES1:",
        "another format": qr.replace("SES1:", "SES2:"),
        "small letters": qr.lower(),
        "a line end": qr + "\n",
        "spaces around": f" {qr} ",
        "cut short": text(body[:-1]),
        "one byte more": text(body + b"\x00"),
        "a nul": "SES1:\x00",
        "a face": "SES1:😀",
        "half a character": "SES1:\ud83d",
        "not base 45": "SES1:abc",
        "another envelope": text(b"\x83\x02" + body[2:]),
        "a proof that is a token": text(cbor2.dumps([1, b"\xd2\x84", b"\xd2\x84"])),
    }


@pytest.mark.parametrize("kind", _changed_text("SES1:"))
def test_a_text_that_is_no_card_is_refused(town, refused, kind):
    qr = town.student.qr(town.clock.now())
    assert refused(_changed_text(qr)[kind]) == "qr_malformed"
    # The same basket with the code as it was is paid: that one change was the reason.
    assert town.answer(("textbooks", 500), qr=qr)["outcome"] == "approved"


def test_a_text_longer_than_any_card_is_refused(refused):
    assert refused("SES1:" + "A" * 600) == "qr_too_long"


# The same code shown again.


def test_a_code_that_has_paid_pays_no_second_time(town, refused):
    qr = town.student.qr(town.clock.now())
    town.answer(("textbooks", 500), qr=qr)
    assert refused(qr) == "proof_replayed"
    assert town.spent_cents() == 500


def test_a_code_that_has_paid_pays_nothing_at_another_shop(town):
    qr = town.student.qr(town.clock.now())
    town.answer(("textbooks", 500), qr=qr)
    assert town.refusal(("textbooks", 500), qr=qr, till=town.add_shop()) == ["proof_replayed"]
    assert town.spent_cents() == 500


def test_the_second_spelling_of_a_signature_is_the_same_code(town, refused):
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = town.student.token
    proof = make_proof(town.student.phone, token, town.clock.now(), secrets.token_bytes(8))
    town.answer(("textbooks", 500), qr=encode_presentation(token, proof))
    s = int.from_bytes(proof[-32:], "big")
    other = proof[:-32] + (order - s).to_bytes(32, "big")
    assert refused(encode_presentation(token, other)) == "proof_replayed"


def test_a_code_that_was_refused_can_still_pay(town):
    qr = town.student.qr(town.clock.now())
    assert town.refusal(("cinema", 500), qr=qr) == ["category_not_in_convention"]
    assert town.answer(("textbooks", 500), qr=qr)["outcome"] == "approved"


def test_one_code_shown_at_twenty_tills_at_once_pays_once(town):
    qr = town.student.qr(town.clock.now())
    tills = [town.till, town.add_shop()]

    def buy(number):
        return town.read(town.buy(("textbooks", 500), qr=qr, till=tills[number % 2]))

    answers = town.at_once(buy, 20, threads=20)
    assert sorted(answer["outcome"] for answer in answers) == ["approved"] + ["refused"] * 19
    reasons = {answer["reasons"][0]["code"] for answer in answers if answer["reasons"]}
    assert reasons == {"proof_replayed"}
    assert town.spent_cents() == 500
    assert town.kept("outcome, count(*) OVER ()")[0][1] == 20
