"""Keys: what goes on the wire, at rest, and by which name."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from cardsvc.credential import es256
from cardsvc.credential.keys import (
    IssuerKey,
    IssuerKeys,
    key_id_of,
    private_key_from_pem,
    public_key_from_jwk,
    public_key_to_jwk,
    thumbprint,
)
from cardsvc.credential.refusals import KeyRefused

# RFC 7517, appendix A.1: a P-256 key that is not of our making.
RFC_7517_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


# Made once by OpenSSL on the curve prime192v2, which the library does not know.
UNSUPPORTED_CURVE_PEM = b"""\
-----BEGIN PRIVATE KEY-----
MG8CAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQIEVTBTAgEBBBj5XMBTJWW/lDPgp7FR
sZJaBj6vDpUJM+uhNAMyAAS6IoPz839tl7nTvZ2DIkzsM2WckL1J5ydraCRX11Cm
zOiKKfvqvEw60OIWdS2+W9c=
-----END PRIVATE KEY-----
"""


def pem_of(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_a_jwk_is_read_and_written_back() -> None:
    key = public_key_from_jwk(RFC_7517_KEY | {"use": "sig", "ext": True, "key_ops": ["verify"]})
    x, y = (urlsafe_b64decode(RFC_7517_KEY[name] + "=") for name in "xy")
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert point == b"\x04" + x + y
    assert public_key_to_jwk(key) == RFC_7517_KEY


def test_a_coordinate_that_starts_with_zeros_keeps_its_length() -> None:
    # 112 is the smallest private number whose x begins with a zero byte.
    key = next(
        key
        for key in (ec.derive_private_key(n, ec.SECP256R1()).public_key() for n in range(1, 5000))
        if key.public_numbers().x < 2**248
    )
    jwk = public_key_to_jwk(key)
    assert len(jwk["x"]) == 43
    assert jwk["x"].startswith("A")
    assert public_key_from_jwk(jwk) == key


def test_the_thumbprint_is_of_the_sorted_required_members() -> None:
    text = json.dumps(RFC_7517_KEY, sort_keys=True, separators=(",", ":"))
    expected = hashlib.sha256(text.encode()).digest()
    key = public_key_from_jwk(RFC_7517_KEY)
    assert thumbprint(key) == expected
    assert key_id_of(key) == expected[:8]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}, "key_is_private"),
        ({"kty": "RSA"}, "key_wrong_curve"),
        ({"crv": "P-384"}, "key_wrong_curve"),
        ({"x": None}, "key_malformed"),
        ({"x": 12}, "key_malformed"),
        ({"x": RFC_7517_KEY["x"] + "="}, "key_malformed"),
        ({"x": RFC_7517_KEY["x"][:-1]}, "key_malformed"),
        ({"x": "é" * 43}, "key_malformed"),
        ({"x": "*" * 43}, "key_malformed"),
        # The last character carries two bits that must be zero: D and 4 differ in them only.
        ({"x": RFC_7517_KEY["x"][:-1] + "5"}, "key_malformed"),
        ({"y": RFC_7517_KEY["x"]}, "key_malformed"),
        ({"x": urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")}, "key_malformed"),
    ],
)
def test_a_bad_jwk_is_refused_with_its_code(change: dict[str, Any], code: str) -> None:
    with pytest.raises(KeyRefused) as refusal:
        public_key_from_jwk(RFC_7517_KEY | change)
    assert refusal.value.code == code


@pytest.mark.parametrize("password", [None, b"a long pass phrase"])
def test_an_issuer_key_is_kept_as_pem_and_loaded_again(password: bytes | None) -> None:
    key = IssuerKey.generate("FR-84")
    pem = key.to_pem(password)
    again = IssuerKey.from_pem("FR-84", pem, password)
    assert (b"ENCRYPTED" in pem) == (password is not None)
    assert again.key_id == key.key_id
    assert es256.is_valid(key.public_key, b"message", again.sign(b"message"))
    assert not es256.is_valid(key.public_key, b"other", again.sign(b"message"))


def test_an_issuer_keys_representation_hides_the_key() -> None:
    key = IssuerKey.generate("FR-84")
    assert repr(key) == f"IssuerKey(issuer='FR-84', key_id={key.key_id.hex()})"


@pytest.mark.parametrize(
    ("pem", "password", "code"),
    [
        (IssuerKey.generate("FR-84").to_pem(b"right"), b"wrong", "key_password_wrong"),
        (IssuerKey.generate("FR-84").to_pem(b"right"), None, "key_password_wrong"),
        (IssuerKey.generate("FR-84").to_pem(), b"unwanted", "key_password_wrong"),
        (b"not a key", None, "key_malformed"),
        (pem_of(ec.generate_private_key(ec.SECP384R1())), None, "key_wrong_curve"),
        (pem_of(x25519.X25519PrivateKey.generate()), None, "key_wrong_curve"),
        (UNSUPPORTED_CURVE_PEM, None, "key_wrong_curve"),
        (pem_of(rsa.generate_private_key(65537, 2048)), None, "key_wrong_curve"),
    ],
)
def test_a_pem_that_cannot_be_used_is_refused_with_its_code(
    pem: bytes, password: bytes | None, code: str
) -> None:
    with pytest.raises(KeyRefused) as refusal:
        private_key_from_pem(pem, password)
    assert refusal.value.code == code


@pytest.mark.parametrize("issuer", ["", "fr-84", "-84", "F" * 17, "FR 84", "FR-84\n"])
def test_an_issuer_has_a_short_plain_name(issuer: str) -> None:
    for make in (
        lambda: IssuerKey.generate(issuer),
        lambda: IssuerKeys({issuer: []}),
    ):
        with pytest.raises(KeyRefused) as refusal:
            make()
        assert refusal.value.code == "issuer_id_malformed"


def test_only_p256_keys_belong_to_issuers() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    for make in (
        lambda: IssuerKey.of("FR-84", other),
        lambda: IssuerKeys({"FR-84": [other.public_key()]}),
    ):
        with pytest.raises(KeyRefused) as refusal:
            make()
        assert refusal.value.code == "key_wrong_curve"


def test_published_keys_are_read_back() -> None:
    first, second = IssuerKey.generate("FR-84"), IssuerKey.generate("FR-84")
    neighbour = IssuerKey.generate("FR-93")
    keys = IssuerKeys(
        {"FR-84": [first.public_key, second.public_key], "FR-93": [neighbour.public_key]}
    )
    published = json.loads(json.dumps(keys.to_published()))
    again = IssuerKeys.from_published(published)
    for key in (first, second, neighbour):
        assert again.public_key(key.issuer, key.key_id) == key.public_key
    assert again.public_key("FR-93", first.key_id) is None
    assert again.knows_issuer("FR-93")
    assert not again.knows_issuer("FR-75")


def test_a_published_kid_must_be_its_keys() -> None:
    published = IssuerKeys({"FR-84": [IssuerKey.generate("FR-84").public_key]}).to_published()
    published[0]["keys"][0]["kid"] = "00" * 8
    with pytest.raises(KeyRefused) as refusal:
        IssuerKeys.from_published(published)
    assert refusal.value.code == "key_id_mismatch"


@pytest.mark.parametrize(
    "published",
    [
        [{}],
        [{"issuer": "FR-84"}],
        [{"issuer": "FR-84", "keys": [{}]}],
        [{"issuer": "FR-84", "keys": [{"jwk": []}]}],
        [{"issuer": 84, "keys": []}],
        [{"issuer": ["FR-84"], "keys": []}],
        ["FR-84"],
        7,
    ],
)
def test_published_keys_of_another_shape_are_refused(published: Any) -> None:
    with pytest.raises(KeyRefused) as refusal:
        IssuerKeys.from_published(published)
    assert refusal.value.code == "key_malformed"


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_not_valid(length: int) -> None:
    key = IssuerKey.generate("FR-84")
    assert not es256.is_valid(key.public_key, b"message", bytes(length))
