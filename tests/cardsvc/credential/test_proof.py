"""The holder's proof, judged by the cwt library's COSE."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.credential.keys import IssuerKeys
from cardsvc.credential.proof import PROOF_BYTES, ProofWindow, make_proof, verify_proof
from cardsvc.credential.refusals import CredentialRefused
from cardsvc.credential.token import TokenClaims, verify_token

NONCE = bytes(range(8))


@pytest.fixture
def claims(phone: Any, issuers: IssuerKeys, at: datetime) -> TokenClaims:
    return verify_token(phone.token, issuers, at)


@pytest.fixture
def refused_code(phone: Any, claims: TokenClaims) -> Callable[..., str]:
    def check(proof: bytes, at: datetime, window: ProofWindow | None = None) -> str:
        with pytest.raises(CredentialRefused) as refusal:
            verify_proof(proof, phone.token, claims, at, window)
        return refusal.value.code

    return check


def test_a_proof_says_its_time_and_nonce(phone: Any, claims: TokenClaims, at: datetime) -> None:
    proof = phone.proof(at + timedelta(microseconds=999_999), NONCE)
    read = verify_proof(proof, phone.token, claims, at)
    assert (read.time, read.nonce) == (at, NONCE)
    assert len(proof) == PROOF_BYTES == 89


def test_the_cwt_library_verifies_our_proof(phone: Any, at: datetime) -> None:
    pem = phone.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = cwt.COSEKey.from_pem(pem.decode(), alg="ES256")
    payload = cwt.COSE.new().decode(
        phone.proof(at, NONCE), key, external_aad=hashlib.sha256(phone.token).digest()
    )
    assert cbor2.loads(payload) == [int(at.timestamp()), NONCE]


def test_a_proof_made_by_the_cwt_library_is_accepted(
    phone: Any, claims: TokenClaims, at: datetime
) -> None:
    pem = phone.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    proof = cwt.COSE.new().encode_and_sign(
        cbor2.dumps([int(at.timestamp()), NONCE]),
        cwt.COSEKey.from_pem(pem.decode(), alg="ES256"),
        protected={1: -7},
        external_aad=hashlib.sha256(phone.token).digest(),
    )
    assert verify_proof(proof, phone.token, claims, at).nonce == NONCE


def test_a_proof_is_good_for_thirty_seconds(
    phone: Any, claims: TokenClaims, at: datetime, refused_code: Callable[..., str]
) -> None:
    proof = phone.proof(at)
    assert verify_proof(proof, phone.token, claims, at + timedelta(seconds=30)).time == at
    assert refused_code(proof, at + timedelta(seconds=30, microseconds=1)) == "proof_expired"


def test_a_phone_may_be_ten_seconds_ahead(
    phone: Any, claims: TokenClaims, at: datetime, refused_code: Callable[..., str]
) -> None:
    proof = phone.proof(at)
    assert verify_proof(proof, phone.token, claims, at - timedelta(seconds=10)).time == at
    early = at - timedelta(seconds=10, microseconds=1)
    assert refused_code(proof, early) == "proof_from_future"


def test_the_window_is_the_callers(
    phone: Any, claims: TokenClaims, at: datetime, refused_code: Callable[..., str]
) -> None:
    proof, narrow = phone.proof(at), ProofWindow(valid_seconds=5, ahead_seconds=1)
    late, early = at + timedelta(seconds=6), at - timedelta(seconds=2)
    assert refused_code(proof, late, narrow) == "proof_expired"
    assert refused_code(proof, early, narrow) == "proof_from_future"
    wide = ProofWindow(valid_seconds=6, ahead_seconds=2)
    assert verify_proof(proof, phone.token, claims, late, wide).time == at
    assert verify_proof(proof, phone.token, claims, early, wide).time == at


def test_a_proof_by_another_key_is_refused(
    phone: Any, at: datetime, refused_code: Callable[..., str]
) -> None:
    thief = ec.generate_private_key(ec.SECP256R1())
    assert refused_code(make_proof(thief, phone.token, at, NONCE), at) == "proof_signature_invalid"


def test_a_proof_for_another_token_of_the_same_phone_is_refused(
    phone: Any, at: datetime, refused_code: Callable[..., str]
) -> None:
    proof = make_proof(phone.private_key, phone.token + b"\x00", at, NONCE)
    assert refused_code(proof, at) == "proof_signature_invalid"


def test_a_proof_of_the_time_when_it_was_not_shown_cannot_be_redated(
    phone: Any, at: datetime, refused_code: Callable[..., str]
) -> None:
    old = phone.proof(at)
    later = at + timedelta(hours=1)
    redated = old[:10] + int(later.timestamp()).to_bytes(4, "big") + old[14:]
    assert refused_code(redated, later) == "proof_signature_invalid"


@pytest.mark.parametrize(
    "reshape",
    [
        pytest.param(lambda p: p + b"\x00", id="a byte more"),
        pytest.param(lambda p: p[:-1], id="a byte less"),
        pytest.param(lambda p: b"", id="nothing"),
        pytest.param(lambda p: b"\xd1" + p[1:], id="another tag"),
        pytest.param(lambda p: p[:14] + b"\x49" + p[15:], id="another nonce length"),
        pytest.param(lambda p: p[:23] + b"\x59" + p[24:], id="another signature length"),
        pytest.param(lambda p: p[:10] + b"\x00\x00\xff\xff" + p[14:], id="a time spelt too long"),
    ],
)
def test_another_shape_is_refused(
    reshape: Callable[[bytes], bytes], phone: Any, at: datetime, refused_code: Callable[..., str]
) -> None:
    assert refused_code(reshape(phone.proof(at)), at) == "qr_malformed"


@pytest.mark.parametrize(
    ("at", "nonce"),
    [
        (datetime(2026, 9, 1, tzinfo=UTC), bytes(7)),
        (datetime(2026, 9, 1), bytes(8)),
        (datetime(1970, 1, 1, tzinfo=UTC), bytes(8)),
        (datetime(2107, 1, 1, tzinfo=UTC), bytes(8)),
    ],
)
def test_a_proof_that_no_verifier_would_accept_is_not_made(at: datetime, nonce: bytes) -> None:
    with pytest.raises(ValueError, match=r"a nonce|a time"):
        make_proof(ec.generate_private_key(ec.SECP256R1()), b"token", at, nonce)
