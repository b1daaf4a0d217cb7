"""A verifier written from docs/credential.md alone, with cbor2 and cryptography.

It shares no line with cardsvc.credential: it judges what our issuer and our phone make, and the
page's own example judges both.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardsvc.credential.keys import IssuerKey, IssuerKeys
from cardsvc.credential.refusals import CredentialRefused
from cardsvc.credential.verify import verify_presentation

PAGE = Path(__file__).parents[3] / "docs" / "credential.md"
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


class Refused(Exception):
    pass


def section_1(text: str) -> tuple[bytes, bytes]:
    if len(text) > 530:
        raise Refused("qr_too_long")
    if text[:5] != "SES1:" or len(text[5:]) % 3 == 1 or set(text[5:]) - set(BASE45):
        raise Refused("qr_malformed")
    raw = b""
    for at in range(5, len(text), 3):
        group = text[at : at + 3]
        number = sum(BASE45.index(character) * 45**n for n, character in enumerate(group))
        if number >= 256 ** (len(group) - 1):
            raise Refused("qr_malformed")
        raw += number.to_bytes(len(group) - 1, "big")
    value = canonical(raw)
    require(type(value) is list and len(value) == 3 and value[0] is not True)
    require(value[0] == 1)
    require(type(value[1]) is bytes and type(value[2]) is bytes)
    return value[1], value[2]


def canonical(raw: bytes) -> Any:
    stream = BytesIO(raw)
    try:
        value = cbor2.load(stream)
        again = cbor2.dumps(value, canonical=True)
    except Exception:
        raise Refused("qr_malformed") from None
    if stream.read() or again != raw:
        raise Refused("qr_malformed")
    return value


def es256(public_key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        public_key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def published_keys(published: list[dict[str, Any]]) -> dict[str, dict[bytes, Any]]:
    keys: dict[str, dict[bytes, Any]] = {}
    for entry in published:
        for item in entry["keys"]:
            jwk = item["jwk"]
            x, y = (urlsafe_b64decode(jwk[name] + "=") for name in "xy")
            thumb = json.dumps(
                {"crv": "P-256", "kty": "EC", "x": jwk["x"], "y": jwk["y"]}, separators=(",", ":")
            )
            key_id = hashlib.sha256(thumb.encode()).digest()[:8]
            assert key_id.hex() == item["kid"]
            keys.setdefault(entry["issuer"], {})[key_id] = (
                ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
            )
    return keys


def require(holds: bool) -> None:
    if not holds:
        raise Refused("qr_malformed")


def is_bytes(value: Any, length: int) -> bool:
    return type(value) is bytes and len(value) == length


def is_unsigned(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**32


def sign1_parts(raw: bytes) -> tuple[bytes, bytes, bytes]:
    sealed = canonical(raw)
    require(type(sealed) is cbor2.CBORTag and sealed.tag == 18 and type(sealed.value) is list)
    require(len(sealed.value) == 4 and sealed.value[1] == {})
    protected, _, payload, signature = sealed.value
    require(type(protected) is bytes and type(payload) is bytes and is_bytes(signature, 64))
    return protected, payload, signature


def check_claims(claims: Any) -> None:
    require(type(claims) is dict and list(claims) == [1, 4, 6, 7, 8, -65537])
    require(type(claims[1]) is str)
    require(re.fullmatch("[A-Z0-9][A-Z0-9-]{0,15}", claims[1]) is not None)
    require(is_unsigned(claims[4]) and is_unsigned(claims[6]) and claims[6] < claims[4])
    require(is_bytes(claims[7], 16) and is_unsigned(claims[-65537]))
    require(type(claims[8]) is dict and list(claims[8]) == [1])
    cose_key = claims[8][1]
    require(type(cose_key) is dict and list(cose_key) == [1, -1, -2, -3])
    require(cose_key[1] == 2 and cose_key[-1] == 1 and cose_key[-1] is not True)
    require(is_bytes(cose_key[-2], 32) and type(cose_key[-3]) is bool)


def verify_from_the_page(
    text: str, published: list[dict[str, Any]], now: float
) -> tuple[bytes, int, int, bytes]:
    token, proof = section_1(text)
    protected, payload, signature = sign1_parts(token)
    header, claims = canonical(protected), canonical(payload)
    require(header.keys() == {1, 4} and header[1] == -7 and is_bytes(header[4], 8))
    check_claims(claims)

    keys = published_keys(published)
    if claims[1] not in keys:
        raise Refused("issuer_unknown")
    if header[4] not in keys[claims[1]]:
        raise Refused("issuer_key_unknown")
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    if not es256(keys[claims[1]][header[4]], signature, signed):
        raise Refused("token_signature_invalid")
    if now < claims[6] - 10:
        raise Refused("token_not_yet_valid")
    if now >= claims[4]:
        raise Refused("token_expired")

    cose_key = claims[8][1]
    point = (b"\x03" if cose_key[-3] else b"\x02") + cose_key[-2]
    holder = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    require(len(proof) == 89)
    protected, payload, signature = sign1_parts(proof)
    require(canonical(protected) == {1: -7})
    content = canonical(payload)
    require(type(content) is list and len(content) == 2)
    time, nonce = content
    require(is_unsigned(time) and time >= 65536 and is_bytes(nonce, 8))
    signed = cbor2.dumps(["Signature1", protected, hashlib.sha256(token).digest(), payload])
    if not es256(holder, signature, signed):
        raise Refused("proof_signature_invalid")
    if now > time + 30:
        raise Refused("proof_expired")
    if time > now + 10:
        raise Refused("proof_from_future")
    return claims[7], claims[-65537], time, nonce


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return json.loads(re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0])


def test_the_page_alone_is_enough_to_verify_what_a_phone_shows(
    phone: Any, issuer_key: IssuerKey, at: datetime
) -> None:
    jwk = {"kty": "EC", "crv": "P-256"}
    numbers = issuer_key.public_key.public_numbers()
    for name, value in (("x", numbers.x), ("y", numbers.y)):
        jwk[name] = urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
    keys = [{"issuer": "FR-84", "keys": [{"kid": issuer_key.key_id.hex(), "jwk": jwk}]}]

    read = verify_from_the_page(phone.qr(at), keys, at.timestamp())

    assert read == (bytes(range(16)), 12345, at.timestamp(), bytes.fromhex("a0a1a2a3a4a5a6a7"))


def test_the_pages_example_is_genuine(example: dict[str, Any]) -> None:
    now = datetime.fromisoformat(example["verified_at"])
    assert section_1(example["qr"]) == (
        bytes.fromhex(example["token"]),
        bytes.fromhex(example["proof"]),
    )
    assert hashlib.sha256(bytes.fromhex(example["token"])).hexdigest() == example["token_sha256"]
    token_id, status_index, _, _ = verify_from_the_page(
        example["qr"], example["issuers"], now.timestamp()
    )
    assert (token_id.hex(), status_index) == (example["cti"], example["status_index"])


def test_our_verifier_reads_the_pages_example_the_same_way(example: dict[str, Any]) -> None:
    now = datetime.fromisoformat(example["verified_at"])
    issuers = IssuerKeys.from_published(example["issuers"])
    verified = verify_presentation(example["qr"], issuers, now)
    assert verified.claims.token_id.hex() == example["cti"]
    assert verified.claims.status_index == example["status_index"]
    assert issuers.to_published() == example["issuers"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    position=st.integers(5, 400),
    character=st.sampled_from(BASE45),
    seconds=st.integers(-20, 50),
)
def test_both_verifiers_give_the_same_answer_to_a_changed_or_late_qr(
    example: dict[str, Any], position: int, character: str, seconds: int
) -> None:
    now = datetime.fromisoformat(example["verified_at"]) + timedelta(seconds=seconds)
    text = example["qr"][:position] + character + example["qr"][position + 1 :]
    ours = theirs = "accepted"
    try:
        verify_presentation(text, IssuerKeys.from_published(example["issuers"]), now)
    except CredentialRefused as refusal:
        ours = refusal.code
    try:
        verify_from_the_page(text, example["issuers"], now.timestamp())
    except Refused as refusal:
        theirs = str(refusal)
    assert ours == theirs
