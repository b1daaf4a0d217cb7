"""Reads CBOR whose shape is known beforehand, in its one canonical form (RFC 8949 section 4.2.1).

A QR is the bytes of a stranger. A general decoder would build whatever they ask for (tags,
nested or cyclic values, huge numbers) and accept several spellings of one value; this cursor
walks the one shape that a caller asks for and refuses everything else, so it neither recurses
nor allocates more than its input.
"""

from .refusals import CredentialRefused, RefusalCode

_UNSIGNED = 0
_BYTES = 2
_TEXT = 3
# The largest value that fits each length of argument, and how it is announced (RFC 8949 section 3).
_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES = 24, 25, 26
_SMALLEST_VALUE_OF = {_ONE_BYTE: 24, _TWO_BYTES: 0x100, _FOUR_BYTES: 0x10000}


def _malformed() -> CredentialRefused:
    return CredentialRefused(RefusalCode.QR_MALFORMED)


class FixedCbor:
    """A cursor over CBOR bytes; a mismatch raises `CredentialRefused(qr_malformed)`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def expect(self, expected: bytes) -> None:
        """Pass over bytes that can only be these."""
        end = self.position + len(expected)
        if self.data[self.position : end] != expected:
            raise _malformed()
        self.position = end

    def unsigned(self) -> int:
        """Read an unsigned integer of at most 32 bits."""
        return self._argument(_UNSIGNED)

    def byte_string(self, length: int | None = None) -> bytes:
        """Read a byte string, of exactly `length` bytes when it is given."""
        size = self._argument(_BYTES)
        if length is not None and size != length:
            raise _malformed()
        return self._take(size)

    def text(self) -> str:
        """Read a text string of ASCII characters."""
        raw = self._take(self._argument(_TEXT))
        if not raw.isascii():
            raise _malformed()
        return raw.decode("ascii")

    def boolean(self) -> bool:
        """Read true or false."""
        byte = self._take(1)
        if byte == b"\xf5":
            return True
        if byte == b"\xf4":
            return False
        raise _malformed()

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.position != len(self.data):
            raise _malformed()

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.data):
            raise _malformed()
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def _argument(self, major_type: int) -> int:
        first = self._take(1)[0]
        if first >> 5 != major_type:
            raise _malformed()
        info = first & 0x1F
        if info < _ONE_BYTE:
            return info
        if info > _FOUR_BYTES:
            raise _malformed()
        value = int.from_bytes(self._take(1 << (info - _ONE_BYTE)), "big")
        if value < _SMALLEST_VALUE_OF[info]:
            raise _malformed()
        return value
