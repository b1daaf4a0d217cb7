"""The whole question: may this QR be believed now."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import base45
import pytest

from cardsvc.credential import es256
from cardsvc.credential.keys import IssuerKey, IssuerKeys
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.refusals import CredentialRefused, RefusalCode
from cardsvc.credential.token import read_signed_token
from cardsvc.credential.verify import TokenMemory, verify_presentation

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def refused_code(*arguments: Any) -> str:
    with pytest.raises(CredentialRefused) as refusal:
        verify_presentation(*arguments)
    return refusal.value.code


@pytest.fixture
def signature_checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Counts ES256 checks, which are still made."""
    checks: list[bytes] = []
    is_valid = es256.is_valid

    def counting(public_key: Any, message: bytes, signature: bytes) -> bool:
        checks.append(signature)
        return is_valid(public_key, message, signature)

    monkeypatch.setattr(es256, "is_valid", counting)
    return checks


def test_a_genuine_qr_is_believed(phone: Any, issuers: IssuerKeys, at: datetime) -> None:
    verified = verify_presentation(phone.qr(at), issuers, at)
    assert verified.claims.token_id == bytes(range(16))
    assert verified.proof.time == at


def test_each_refusal_has_its_code(
    phone: Any, new_phone: Callable[..., Any], issuers: IssuerKeys, at: datetime
) -> None:
    good = phone.qr(at)
    stranger = new_phone(issuer=IssuerKey.generate("FR-93"))
    rotated = new_phone(issuer=IssuerKey.generate("FR-84"))
    forged = phone.token[:-1] + bytes([phone.token[-1] ^ 1])
    swapped = encode_presentation(phone.token, new_phone().proof(at))
    much_later = at + timedelta(minutes=10)
    seen = {
        refused_code("SES2:" + good[5:], issuers, at),
        refused_code(good + "0" * 200, issuers, at),
        refused_code(stranger.qr(at), issuers, at),
        refused_code(rotated.qr(at), issuers, at),
        refused_code(encode_presentation(forged, phone.proof(at)), issuers, at),
        refused_code(phone.qr(much_later), issuers, much_later),
        refused_code(good, issuers, at - timedelta(minutes=1)),
        refused_code(swapped, issuers, at),
        refused_code(good, issuers, at + timedelta(seconds=31)),
        refused_code(phone.qr(at + timedelta(seconds=11)), issuers, at),
    }
    assert seen == set(RefusalCode)


def test_a_refusal_shows_nothing_of_what_was_refused(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    with pytest.raises(CredentialRefused) as refusal:
        verify_presentation(phone.qr(at), issuers, at + timedelta(minutes=1))
    assert str(refusal.value) == "proof_expired"


def test_no_changed_byte_of_a_good_qr_is_ever_believed(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    good = phone.qr(at)
    raw = base45.b45decode(good.removeprefix("SES1:"))
    for position in range(len(raw)):
        # Every bit alone, and all of them.
        for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            changed = bytearray(raw)
            changed[position] ^= flip
            refused_code("SES1:" + base45.b45encode(bytes(changed)).decode(), issuers, at)


def test_no_changed_byte_is_believed_because_the_token_was_seen_before(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    memory = TokenMemory()
    verify_presentation(phone.qr(at), issuers, at, memory)
    raw = base45.b45decode(phone.qr(at).removeprefix("SES1:"))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 0x10
        refused_code("SES1:" + base45.b45encode(bytes(changed)).decode(), issuers, at, memory)


def test_no_character_of_a_good_qr_can_be_replaced_or_left_out(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    good = phone.qr(at)
    for position, character in enumerate(good):
        following = ALPHABET[(ALPHABET.index(character) + 1) % len(ALPHABET)]
        refused_code(good[:position] + following + good[position + 1 :], issuers, at)
        refused_code(good[:position] + good[position + 1 :], issuers, at)


def test_the_second_spelling_of_a_signature_has_the_same_replay_key(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    # Anybody can turn (r, s) into (r, n - s). It verifies, so a replay is told by what was
    # signed: token id, time, nonce.
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    proof = phone.proof(at)
    respelt = proof[:-32] + (order - int.from_bytes(proof[-32:], "big")).to_bytes(32, "big")
    first = verify_presentation(encode_presentation(phone.token, proof), issuers, at)
    second = verify_presentation(encode_presentation(phone.token, respelt), issuers, at)
    assert respelt != proof
    assert first == second


def test_a_token_seen_before_costs_one_signature_check(
    phone: Any, issuers: IssuerKeys, at: datetime, signature_checks: list[bytes]
) -> None:
    memory = TokenMemory()
    verify_presentation(phone.qr(at), issuers, at, memory)
    assert len(signature_checks) == 2
    again = verify_presentation(phone.qr(at, bytes(8)), issuers, at, memory)
    assert len(signature_checks) == 3
    assert again.claims.token_id == bytes(range(16))


def test_without_a_memory_both_signatures_are_checked_each_time(
    phone: Any, issuers: IssuerKeys, at: datetime, signature_checks: list[bytes]
) -> None:
    for _ in range(2):
        verify_presentation(phone.qr(at), issuers, at)
    assert len(signature_checks) == 4


def test_a_remembered_token_still_expires(phone: Any, issuers: IssuerKeys, at: datetime) -> None:
    memory = TokenMemory()
    verify_presentation(phone.qr(at), issuers, at, memory)
    end = at + timedelta(minutes=10)
    assert refused_code(phone.qr(end), issuers, end, memory) == "token_expired"


def test_a_remembered_token_is_not_believed_once_its_issuer_key_is_withdrawn(
    phone: Any, issuers: IssuerKeys, at: datetime
) -> None:
    memory = TokenMemory()
    verify_presentation(phone.qr(at), issuers, at, memory)
    newer = IssuerKeys({"FR-84": [IssuerKey.generate("FR-84").public_key]})
    assert refused_code(phone.qr(at), newer, at, memory) == "issuer_key_unknown"
    assert len(memory) == 0


def test_a_forged_token_is_not_remembered(phone: Any, issuers: IssuerKeys, at: datetime) -> None:
    memory = TokenMemory()
    forged = phone.token[:-1] + bytes([phone.token[-1] ^ 1])
    text = encode_presentation(forged, phone.proof(at))
    for _ in range(2):
        assert refused_code(text, issuers, at, memory) == "token_signature_invalid"
    assert len(memory) == 0


def test_claims_of_an_issuer_that_is_not_accepted_are_not_remembered(
    phone: Any, issuers: IssuerKeys
) -> None:
    memory = TokenMemory()
    claims = read_signed_token(phone.token, issuers)
    memory.remember(phone.token, claims, IssuerKeys())
    assert len(memory) == 0


def test_a_memory_forgets_the_token_it_has_not_seen_for_longest(
    new_phone: Callable[..., Any],
    issuers: IssuerKeys,
    at: datetime,
    signature_checks: list[bytes],
) -> None:
    memory = TokenMemory(capacity=2)
    first, second, third = (new_phone(token_id=bytes([n] * 16)) for n in range(3))
    for shown in (first, second, first, third):
        verify_presentation(shown.qr(at), issuers, at, memory)
    assert len(memory) == 2
    signature_checks.clear()
    verify_presentation(first.qr(at), issuers, at, memory)
    assert len(signature_checks) == 1
    verify_presentation(second.qr(at), issuers, at, memory)
    assert len(signature_checks) == 3


def test_a_memory_holds_at_least_one_token() -> None:
    with pytest.raises(ValueError, match="at least one"):
        TokenMemory(capacity=0)


def test_threads_may_share_a_memory(
    new_phone: Callable[..., Any], issuers: IssuerKeys, at: datetime
) -> None:
    memory = TokenMemory(capacity=3)
    texts = [new_phone(token_id=bytes([n] * 16)).qr(at) for n in range(6)]
    wrong: list[object] = []

    def buy(start: int) -> None:
        for step in range(60):
            number = (start + step) % len(texts)
            try:
                shown = verify_presentation(texts[number], issuers, at, memory)
                if shown.claims.token_id != bytes([number] * 16):
                    wrong.append(number)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=buy, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(memory) == 3
