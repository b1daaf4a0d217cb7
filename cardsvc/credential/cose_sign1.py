"""Makes COSE_Sign1 messages (RFC 9052 section 4.2) with ES256, through the cwt library.

Only an issuer needs it. The library takes 160 ms to import, so verifying code never imports this.
"""

from collections.abc import Callable
from typing import cast

from cwt import COSE
from cwt.cose_key_interface import COSEKeyInterface

_ALGORITHM_HEADER, _KEY_ID_HEADER = 1, 4
_ES256 = -7
_KEY_TYPE, _KEY_ALGORITHM, _KEY_OPERATIONS = 1, 3, 4
_EC2, _MAY_SIGN = 2, 1


class _Signer(COSEKeyInterface):
    # The library wants a key of its own; this one lends it a signature only, so that the private
    # key may stay in an object, a file or a hardware token of the caller's.
    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        super().__init__({_KEY_TYPE: _EC2, _KEY_ALGORITHM: _ES256, _KEY_OPERATIONS: [_MAY_SIGN]})
        self._sign = sign

    def sign(self, msg: bytes) -> bytes:
        return self._sign(msg)


def sign1(payload: bytes, key_id: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Sign a payload; gives the tagged (18) COSE_Sign1 bytes.

    :param key_id: goes into the protected header.
    :param sign: takes the bytes to sign, gives r || s.
    """
    protected = {_ALGORITHM_HEADER: _ES256, _KEY_ID_HEADER: key_id}
    # Without `out="cbor2/CBORTag"` the library gives bytes.
    return cast(bytes, COSE.new().encode_and_sign(payload, _Signer(sign), protected, {}))
