"""The holder's proof: a COSE_Sign1 over a time and a nonce, bound to one token.

Always the same 89 bytes but for three holes, so that a page can build it with WebCrypto and no
CBOR library. The token is bound as external authenticated data (RFC 9052 section 4.3).
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from . import es256
from .refusals import CredentialRefused, RefusalCode
from .token import TokenClaims

NONCE_BYTES = 8
_START = b"\xd2\x84\x43\xa1\x01\x26\xa0"
_PAYLOAD_START = b"\x4f\x82\x1a"
_NONCE_START = b"\x48"
_SIGNATURE_START = b"\x58\x40"
_SIGNED_START = b"\x84\x6aSignature1\x43\xa1\x01\x26\x58\x20"

# Where the holes are.
_TIME_AT = len(_START) + len(_PAYLOAD_START)
_NONCE_AT = _TIME_AT + 4 + len(_NONCE_START)
_PAYLOAD_END = _NONCE_AT + NONCE_BYTES
_SIGNATURE_AT = _PAYLOAD_END + len(_SIGNATURE_START)
PROOF_BYTES = _SIGNATURE_AT + es256.SIGNATURE_BYTES
# Below, CBOR would have to write the time with fewer bytes: another spelling, so not ours.
_SMALLEST_TIME, _LARGEST_TIME = 0x10000, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ProofWindow:
    """How long a proof is good for, in seconds, and how far ahead the phone's clock may be."""

    valid_seconds: int = 30
    ahead_seconds: int = 10


@dataclass(frozen=True, slots=True)
class Proof:
    """When the phone made the proof (UTC, whole seconds) and its 8-byte nonce."""

    time: datetime
    nonce: bytes


def make_proof(
    private_key: ec.EllipticCurvePrivateKey, token: bytes, at: datetime, nonce: bytes
) -> bytes:
    """Make the proof that a phone makes; gives 89 bytes.

    :param at: aware; the sub-second part is dropped.
    :param nonce: 8 random bytes, new for each proof.
    :raises ValueError: for a wrong length or a naive time.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a nonce is 8 bytes")
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    seconds = int(at.timestamp())
    if not _SMALLEST_TIME <= seconds <= _LARGEST_TIME:
        raise ValueError("a time lies between 1970 and 2106")
    payload = _PAYLOAD_START + seconds.to_bytes(4, "big") + _NONCE_START + nonce
    signature = es256.sign(private_key, _signed_bytes(token, payload))
    return _START + payload + _SIGNATURE_START + signature


def verify_proof(
    proof: bytes,
    token: bytes,
    claims: TokenClaims,
    at: datetime,
    window: ProofWindow | None = None,
) -> Proof:
    """Verify that the token's holder made this proof, for this token, within the window.

    :param claims: what `verify_token` gave for the same `token`.
    :param window: 30 s of validity and 10 s ahead by default.
    :raises CredentialRefused: `qr_malformed`, `proof_signature_invalid`, `proof_expired`,
        `proof_from_future`.
    """
    window = window or ProofWindow()
    seconds = int.from_bytes(proof[_TIME_AT : _TIME_AT + 4], "big")
    if (
        len(proof) != PROOF_BYTES
        or not proof.startswith(_START + _PAYLOAD_START)
        or proof[_TIME_AT + 4 : _NONCE_AT] != _NONCE_START
        or proof[_PAYLOAD_END:_SIGNATURE_AT] != _SIGNATURE_START
        or seconds < _SMALLEST_TIME
    ):
        raise CredentialRefused(RefusalCode.QR_MALFORMED)
    signed = _signed_bytes(token, proof[len(_START) : _PAYLOAD_END])
    if not es256.is_valid(claims.holder_public_key, signed, proof[_SIGNATURE_AT:]):
        raise CredentialRefused(RefusalCode.PROOF_SIGNATURE_INVALID)
    made_at = datetime.fromtimestamp(seconds, UTC)
    if at > made_at + timedelta(seconds=window.valid_seconds):
        raise CredentialRefused(RefusalCode.PROOF_EXPIRED)
    if made_at > at + timedelta(seconds=window.ahead_seconds):
        raise CredentialRefused(RefusalCode.PROOF_FROM_FUTURE)
    return Proof(time=made_at, nonce=proof[_NONCE_AT:_PAYLOAD_END])


def _signed_bytes(token: bytes, wrapped_payload: bytes) -> bytes:
    # Sig_structure of RFC 9052 section 4.4: context, protected header, external data, payload.
    return _SIGNED_START + hashlib.sha256(token).digest() + wrapped_payload
