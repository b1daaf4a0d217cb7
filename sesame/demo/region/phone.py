"""A young person's phone, as docs/credential.md (sections 1 to 3) describes it.

It holds a key and shows a QR text. Written from that page alone, with a CBOR and a Base45 library
where the product and the page count bytes.
"""

import hashlib
import secrets
from datetime import datetime

import base45
import cbor2

from .p256 import P256Key

_PREFIX = "SES1:"
_FORMAT = 1
_COSE_SIGN1 = 18
_NONCE_BYTES = 8


class Phone:
    """A simulated phone: the key that never leaves it, and the codes that it shows."""

    def __init__(self, key: P256Key) -> None:
        self._key = key

    @classmethod
    def new(cls) -> "Phone":
        """Return a phone with a new key."""
        return cls(P256Key.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> "Phone":
        """Return the phone whose key `to_pem` wrote. Raises ValueError for another kind of key."""
        return cls(P256Key.from_pem(pem))

    def to_pem(self) -> bytes:
        """Return the private key as PEM, to keep between two runs of the demonstration."""
        return self._key.to_pem()

    def jwk(self) -> dict[str, str]:
        """Return the public key to enrol, as WebCrypto's `exportKey("jwk", …)` gives it."""
        return self._key.jwk()

    def qr_text(self, token: bytes, at: datetime, nonce: bytes | None = None) -> str:
        """Return the text of the QR shown at `at` (aware) for a token that the issuer gave.

        `nonce` is 8 bytes; None, as on a real phone, takes new random ones.
        Raises ValueError for a nonce of another length or a moment without a zone.
        """
        if at.tzinfo is None:
            raise ValueError("a moment needs its zone")
        nonce = secrets.token_bytes(_NONCE_BYTES) if nonce is None else nonce
        if len(nonce) != _NONCE_BYTES:
            raise ValueError("a nonce has 8 bytes")
        protected = cbor2.dumps({1: -7}, canonical=True)
        payload = cbor2.dumps([int(at.timestamp()), nonce], canonical=True)
        to_sign = ["Signature1", protected, hashlib.sha256(token).digest(), payload]
        signature = self._key.sign(cbor2.dumps(to_sign, canonical=True))
        proof = cbor2.dumps(
            cbor2.CBORTag(_COSE_SIGN1, [protected, {}, payload, signature]), canonical=True
        )
        presentation = cbor2.dumps([_FORMAT, token, proof], canonical=True)
        encoded: bytes = base45.b45encode(presentation)
        return _PREFIX + encoded.decode("ascii")
