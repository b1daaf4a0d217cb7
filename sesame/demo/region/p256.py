"""A P-256 key pair as a phone or a terminal holds it: JWK, ES256 signatures of 64 bytes.

Written from docs/credential.md alone, with `cryptography`: the demonstration uses nothing of the
product's own code, so that it proves what the page says.
"""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_COORDINATE_BYTES = 32


@dataclass(frozen=True)
class P256Key:
    """A private key on P-256 and what is made with it."""

    _private: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> "P256Key":
        """Make a new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> "P256Key":
        """Read a key that `to_pem` wrote. Raises ValueError for anything but a P-256 key."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError("not a P-256 private key")
        return cls(key)

    def to_pem(self) -> bytes:
        """Return the private key as PKCS #8 PEM, so that a stopped demonstration finds it again."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 7517): kty, crv, x, y."""
        numbers = self._private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(numbers.x),
            "y": _base64url(numbers.y),
        }

    def sign(self, message: bytes) -> bytes:
        """Return the ES256 signature of `message`: r || s, 64 bytes."""
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    def __repr__(self) -> str:
        """Show nothing of the key: a repr ends up in logs."""
        return "P256Key(…)"


def _base64url(coordinate: int) -> str:
    raw = coordinate.to_bytes(_COORDINATE_BYTES, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
