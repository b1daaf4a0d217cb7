"""The issuer's token: a CWT (RFC 8392) signed as COSE_Sign1 with ES256 (RFC 9052, 9053).

It says that a random token id and a status index belong to whoever holds a key (`cnf`, RFC 8747),
until it expires. It names no person and no card.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cbor2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import es256
from .fixed_cbor import FixedCbor
from .keys import KEY_ID_BYTES, IssuerKey, IssuerKeys, is_issuer_id
from .refusals import CredentialRefused, KeyRefused, RefusalCode

TOKEN_ID_BYTES = 16
MAX_STATUS_INDEX = 0xFFFFFFFF
# RFC 8392 section 3.1 and RFC 8747 section 3.1; the status index is ours, in the private-use range
# (below -65536) of the IANA registry "CBOR Web Token (CWT) Claims".
CLAIM_ISSUER, CLAIM_EXPIRES, CLAIM_ISSUED, CLAIM_TOKEN_ID, CLAIM_HOLDER = 1, 4, 6, 7, 8
CLAIM_STATUS_INDEX = -65537
# A terminal whose clock is a little late must not refuse a token that was issued a moment ago.
ISSUER_CLOCK_TOLERANCE = timedelta(seconds=10)

_TAGGED_SIGN1 = b"\xd2\x84"
_PROTECTED_START = b"\x4d\xa2\x01\x26\x04"
_EMPTY_UNPROTECTED = b"\xa0"
_SIGNATURE1_START = b"\x84\x6aSignature1"
_NO_EXTERNAL_AAD = b"\x40"
_X_BYTES = 32
# First byte of a compressed point (SEC 1 section 2.3.3): the sign of y.
_EVEN_Y, _ODD_Y = 2, 3
_MAX_SECONDS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says, once its issuer's signature is verified. Times are UTC."""

    issuer: str
    key_id: bytes
    token_id: bytes
    holder_public_key: ec.EllipticCurvePublicKey
    status_index: int
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _UnverifiedToken:
    issuer: str
    key_id: bytes
    token_id: bytes
    holder_point: bytes
    status_index: int
    issued_at: int
    expires_at: int
    signed_bytes: bytes
    signature: bytes


def issue_token(
    issuer_key: IssuerKey,
    *,
    token_id: bytes,
    holder_public_key: ec.EllipticCurvePublicKey,
    status_index: int,
    issued_at: datetime,
    expires_at: datetime,
) -> bytes:
    """Sign a token for a holder's key; gives its bytes (about 176).

    :param token_id: 16 random bytes, new for each token (`secrets.token_bytes(16)`).
    :param holder_public_key: P-256; ideally new for each token, else two shops can link them.
    :param status_index: the token's place in the issuer's status list, 0 to 2**32 - 1.
    :param issued_at: aware; sub-second parts are dropped from both times.
    :raises KeyRefused: `key_wrong_curve`.
    :raises ValueError: for a wrong length, range, order or a naive time.
    """
    # A reader that only verifies must not pay for the signing library at start.
    from .cose_sign1 import sign1  # noqa: PLC0415

    if len(token_id) != TOKEN_ID_BYTES:
        raise ValueError("a token id is 16 bytes")
    if not 0 <= status_index <= MAX_STATUS_INDEX:
        raise ValueError("a status index is an unsigned integer of 32 bits")
    if not isinstance(holder_public_key.curve, ec.SECP256R1):
        raise KeyRefused("key_wrong_curve")
    issued, expires = _seconds(issued_at), _seconds(expires_at)
    if expires <= issued:
        raise ValueError("a token expires after it was issued")
    point = holder_public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    # Keys in canonical order (RFC 8949 section 4.2.1). A COSE_Key may give y as its sign bit only
    # (RFC 9053 section 7.1.1): 32 bytes less to draw. The library's own CWT class would add a
    # "not before" claim that repeats `iat`, so the claims are encoded here and it signs them.
    payload = cbor2.dumps(
        {
            CLAIM_ISSUER: issuer_key.issuer,
            CLAIM_EXPIRES: expires,
            CLAIM_ISSUED: issued,
            CLAIM_TOKEN_ID: token_id,
            CLAIM_HOLDER: {1: {1: 2, -1: 1, -2: point[1:], -3: point[0] == _ODD_Y}},
            CLAIM_STATUS_INDEX: status_index,
        }
    )
    return sign1(payload, issuer_key.key_id, issuer_key.sign)


def read_token_id(token: bytes) -> bytes:
    """Read the 16 bytes of the token id WITHOUT verifying anything.

    For looking a card up in the same round trip as everything else: trust it only after
    `verify_token` accepted the same bytes.

    :raises CredentialRefused: `qr_malformed`.
    """
    return _parse(token).token_id


def verify_token(token: bytes, issuers: IssuerKeys, at: datetime) -> TokenClaims:
    """Verify a token's shape, signature and dates.

    :raises CredentialRefused: `qr_malformed`, `issuer_unknown`, `issuer_key_unknown`,
        `token_signature_invalid`, `token_not_yet_valid`, `token_expired`.
    """
    claims = read_signed_token(token, issuers)
    check_token_dates(claims, at)
    return claims


def read_signed_token(token: bytes, issuers: IssuerKeys) -> TokenClaims:
    """Verify a token's shape and signature but not its dates: what may be remembered.

    :raises CredentialRefused: as `verify_token`, without the two about dates.
    """
    unverified = _parse(token)
    issuer_key = issuers.public_key(unverified.issuer, unverified.key_id)
    if issuer_key is None:
        known = issuers.knows_issuer(unverified.issuer)
        raise CredentialRefused(
            RefusalCode.ISSUER_KEY_UNKNOWN if known else RefusalCode.ISSUER_UNKNOWN
        )
    if not es256.is_valid(issuer_key, unverified.signed_bytes, unverified.signature):
        raise CredentialRefused(RefusalCode.TOKEN_SIGNATURE_INVALID)
    try:
        holder = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), unverified.holder_point
        )
    except ValueError:
        raise CredentialRefused(RefusalCode.QR_MALFORMED) from None
    return TokenClaims(
        issuer=unverified.issuer,
        key_id=unverified.key_id,
        token_id=unverified.token_id,
        holder_public_key=holder,
        status_index=unverified.status_index,
        issued_at=datetime.fromtimestamp(unverified.issued_at, UTC),
        expires_at=datetime.fromtimestamp(unverified.expires_at, UTC),
    )


def check_token_dates(claims: TokenClaims, at: datetime) -> None:
    """Check that the token is valid at that instant (RFC 8392 section 3.1.4: not on its expiry).

    :raises CredentialRefused: `token_not_yet_valid`, `token_expired`.
    """
    if at < claims.issued_at - ISSUER_CLOCK_TOLERANCE:
        raise CredentialRefused(RefusalCode.TOKEN_NOT_YET_VALID)
    if at >= claims.expires_at:
        raise CredentialRefused(RefusalCode.TOKEN_EXPIRED)


def _parse(token: bytes) -> _UnverifiedToken:
    outer = FixedCbor(token)
    outer.expect(_TAGGED_SIGN1)
    protected_at = outer.position
    outer.expect(_PROTECTED_START)
    key_id = outer.byte_string(KEY_ID_BYTES)
    protected = token[protected_at : outer.position]
    outer.expect(_EMPTY_UNPROTECTED)
    payload_at = outer.position
    payload = outer.byte_string()
    wrapped_payload = token[payload_at : outer.position]
    signature = outer.byte_string(es256.SIGNATURE_BYTES)
    outer.end()

    claims = FixedCbor(payload)
    claims.expect(b"\xa6\x01")
    issuer = claims.text()
    claims.expect(b"\x04")
    expires_at = claims.unsigned()
    claims.expect(b"\x06")
    issued_at = claims.unsigned()
    claims.expect(b"\x07")
    token_id = claims.byte_string(TOKEN_ID_BYTES)
    claims.expect(b"\x08\xa1\x01\xa4\x01\x02\x20\x01\x21")
    x = claims.byte_string(_X_BYTES)
    claims.expect(b"\x22")
    y_is_odd = claims.boolean()
    claims.expect(b"\x3a\x00\x01\x00\x00")
    status_index = claims.unsigned()
    claims.end()
    if not is_issuer_id(issuer) or expires_at <= issued_at:
        raise CredentialRefused(RefusalCode.QR_MALFORMED)
    return _UnverifiedToken(
        issuer=issuer,
        key_id=key_id,
        token_id=token_id,
        holder_point=bytes((_ODD_Y if y_is_odd else _EVEN_Y,)) + x,
        status_index=status_index,
        issued_at=issued_at,
        expires_at=expires_at,
        signed_bytes=_SIGNATURE1_START + protected + _NO_EXTERNAL_AAD + wrapped_payload,
        signature=signature,
    )


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= _MAX_SECONDS:
        raise ValueError("a time lies between 1970 and 2106")
    return seconds
