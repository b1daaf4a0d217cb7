"""ES256 with signatures as r || s (RFC 9053 section 2.1, RFC 9421 section 3.3.4, WebCrypto).

`cryptography` speaks DER; everything on our wires is the fixed 64-byte form.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

SIGNATURE_BYTES = 64
_COORDINATE_BYTES = 32
# Both objects are immutable; building them for each signature costs a few percent of a check.
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())


def sign(private_key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign `message`; gives the 64 bytes r || s."""
    r, s = decode_dss_signature(private_key.sign(message, _ECDSA_SHA256))
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def is_valid(public_key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` (64 bytes r || s) of `message` was made by the key's owner."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    der = encode_dss_signature(
        int.from_bytes(signature[:_COORDINATE_BYTES], "big"),
        int.from_bytes(signature[_COORDINATE_BYTES:], "big"),
    )
    try:
        public_key.verify(der, message, _ECDSA_SHA256)
    except InvalidSignature:
        return False
    return True
