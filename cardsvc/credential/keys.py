"""Issuers' keys and their public forms: PEM at rest, JWK (RFC 7517) on the wire.

A key id is the first 8 bytes of the RFC 7638 thumbprint, so nobody has to allot it and anybody
can check it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import es256
from .refusals import KeyRefused

KEY_ID_BYTES = 8
# ISO 3166-2 codes ("FR-84") and what a host may add to tell two schemes of a region apart.
_ISSUER_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{0,15}")
_COORDINATE_BYTES = 32
_COORDINATE_CHARACTERS = 43


def is_issuer_id(text: str) -> bool:
    """Say whether `text` can name an issuer: 1 to 16 of A-Z, 0-9 and "-", not starting with "-"."""
    return _ISSUER_ID.fullmatch(text) is not None


def public_key_to_jwk(public_key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Write a P-256 public key as a JWK with its four required members (RFC 7518 section 6.2)."""
    numbers = public_key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _base64url(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": _base64url(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def public_key_from_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Read a P-256 public key from a JWK. Members that it does not need are ignored.

    :raises KeyRefused: `key_is_private` when the sender gave their private key away,
        `key_wrong_curve`, `key_malformed` (coordinates missing, misspelt or off the curve).
    """
    if "d" in jwk:
        raise KeyRefused("key_is_private")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise KeyRefused("key_wrong_curve")
    x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise KeyRefused("key_malformed") from None


def thumbprint(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Give the 32 bytes of the key's SHA-256 thumbprint (RFC 7638 section 3)."""
    jwk = public_key_to_jwk(public_key)
    members = ",".join(f'"{name}":"{jwk[name]}"' for name in ("crv", "kty", "x", "y"))
    return hashlib.sha256(f"{{{members}}}".encode("ascii")).digest()


def key_id_of(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Give the 8 bytes by which tokens name the key."""
    return thumbprint(public_key)[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """An issuer's private signing key. Its representation never shows the key."""

    issuer: str
    key_id: bytes
    _private_key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls, issuer: str) -> "IssuerKey":
        """Make a new key. :raises KeyRefused: `issuer_id_malformed`."""
        return cls.of(issuer, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, issuer: str, private_key: ec.EllipticCurvePrivateKey) -> "IssuerKey":
        """Wrap a P-256 key. :raises KeyRefused: `issuer_id_malformed`, `key_wrong_curve`."""
        if not is_issuer_id(issuer):
            raise KeyRefused("issuer_id_malformed")
        if not isinstance(private_key.curve, ec.SECP256R1):
            raise KeyRefused("key_wrong_curve")
        return cls(issuer, key_id_of(private_key.public_key()), private_key)

    @classmethod
    def from_pem(cls, issuer: str, pem: bytes, password: bytes | None = None) -> "IssuerKey":
        """Load a PKCS #8 PEM, encrypted or not.

        :raises KeyRefused: `key_password_wrong` (or missing, or not wanted), `key_malformed`,
            `key_wrong_curve`, `issuer_id_malformed`.
        """
        return cls.of(issuer, private_key_from_pem(pem, password))

    def to_pem(self, password: bytes | None = None) -> bytes:
        """Write the key as PKCS #8 PEM, encrypted when a password is given."""
        return private_key_to_pem(self._private_key, password)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key that verifiers need."""
        return self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign with ES256; gives r || s, 64 bytes."""
        return es256.sign(self._private_key, message)

    def __repr__(self) -> str:
        return f"IssuerKey(issuer={self.issuer!r}, key_id={self.key_id.hex()})"


def private_key_from_pem(pem: bytes, password: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Load a P-256 private key from PKCS #8 PEM.

    :raises KeyRefused: `key_password_wrong`, `key_malformed`, `key_wrong_curve`.
    """
    try:
        key = serialization.load_pem_private_key(pem, password)
    except TypeError:
        raise KeyRefused("key_password_wrong") from None
    except ValueError:
        # The library says the same of a wrong password and of broken bytes.
        raise KeyRefused("key_malformed" if password is None else "key_password_wrong") from None
    except UnsupportedAlgorithm:
        raise KeyRefused("key_wrong_curve") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyRefused("key_wrong_curve")
    return key


def private_key_to_pem(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    """Write a private key as PKCS #8 PEM, encrypted when a password is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


class IssuerKeys:
    """The public keys a verifier accepts: several issuers, each with several keys. Immutable."""

    def __init__(
        self, keys: Mapping[str, Iterable[ec.EllipticCurvePublicKey]] | None = None
    ) -> None:
        """:raises KeyRefused: `issuer_id_malformed`, `key_wrong_curve`."""
        self._keys: dict[str, dict[bytes, ec.EllipticCurvePublicKey]] = {}
        for issuer, public_keys in (keys or {}).items():
            if not is_issuer_id(issuer):
                raise KeyRefused("issuer_id_malformed")
            by_id = self._keys.setdefault(issuer, {})
            for public_key in public_keys:
                if not isinstance(public_key.curve, ec.SECP256R1):
                    raise KeyRefused("key_wrong_curve")
                by_id[key_id_of(public_key)] = public_key

    @classmethod
    def from_published(cls, published: Iterable[Mapping[str, Any]]) -> "IssuerKeys":
        """Read `[{"issuer": "FR-84", "keys": [{"kid": hex, "jwk": {...}}]}]`.

        :raises KeyRefused: `key_id_mismatch` when a kid is not its key's, or any code of
            `public_key_from_jwk`; `key_malformed` when the structure is another.
        """
        keys: dict[str, list[ec.EllipticCurvePublicKey]] = {}
        try:
            for entry in published:
                accepted = keys.setdefault(entry["issuer"], [])
                for item in entry["keys"]:
                    public_key = public_key_from_jwk(item["jwk"])
                    if item["kid"] != key_id_of(public_key).hex():
                        raise KeyRefused("key_id_mismatch")
                    accepted.append(public_key)
            return cls(keys)
        except (KeyError, TypeError, AttributeError):
            raise KeyRefused("key_malformed") from None

    def to_published(self) -> list[dict[str, Any]]:
        """Write what `from_published` reads."""
        return [
            {
                "issuer": issuer,
                "keys": [
                    {"kid": key_id.hex(), "jwk": public_key_to_jwk(public_key)}
                    for key_id, public_key in by_id.items()
                ],
            }
            for issuer, by_id in self._keys.items()
        ]

    def knows_issuer(self, issuer: str) -> bool:
        """Say whether any key of the issuer is accepted."""
        return issuer in self._keys

    def public_key(self, issuer: str, key_id: bytes) -> ec.EllipticCurvePublicKey | None:
        """Give the issuer's key of that id, or None when it is not, or no longer, accepted."""
        return self._keys.get(issuer, {}).get(key_id)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _coordinate(value: object) -> int:
    # RFC 7518 section 6.2.1.2: exactly 32 octets, base64url without padding, leading zeros kept.
    if not isinstance(value, str) or len(value) != _COORDINATE_CHARACTERS or not value.isascii():
        raise KeyRefused("key_malformed")
    try:
        raw = base64.b64decode(value + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        raise KeyRefused("key_malformed") from None
    if _base64url(raw) != value:
        raise KeyRefused("key_malformed")
    return int.from_bytes(raw, "big")
