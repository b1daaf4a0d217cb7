"""Opening what was sent: zipped or not, SIECLE or FREGATA, and nothing that could harm the reader."""

import hashlib
import io
import re
import zipfile
import zlib
from datetime import date
from pathlib import Path
from typing import BinaryIO

from cardsvc.schools import fregata, siecle
from cardsvc.schools.reasons import (
    RollEncodingUnknown,
    RollForbiddenXml,
    RollNotARoll,
    RollSchoolMismatch,
    RollTooLarge,
    RollUnreadable,
    RollZipBomb,
    RollZipRefused,
)
from cardsvc.schools.roll import Roll

MEGABYTE = 1024 * 1024
LARGEST_BYTES = 64 * MEGABYTE
"""A school of 3,000 with every address is below 8 MB."""
LARGEST_RATIO = 100
"""Unzipped to zipped. XML of this kind packs 10 to 40 times."""
MOST_TAGS = 4_000_000
_HEAD_BYTES = 4096
_ROOT = re.compile(
    rb"\s*(?:<\?xml(?P<declaration>[^>]{0,200})\?>)?(?:\s+|<!--.*?-->|<\?.*?\?>)*"
    rb"<(?P<root>[A-Za-z_][\w.:-]*)",
    re.DOTALL,
)
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)[\"']")
_ENCODINGS = {b"utf-8", b"iso-8859-15", b"iso-8859-1", b"windows-1252", b"us-ascii"}
_BOM = b"\xef\xbb\xbf"


def read_roll(source: bytes | Path, *, uai: str | None, on: date) -> Roll:
    """Read a roll out of a file or its bytes.

    uai: the school it should be of; FREGATA, which doesn't say, takes it from here. on: today, to
    judge birth dates by. Raises a `RollRefused` for a file that can't be taken at all; lines that
    are wrong are in the roll's `rejected`.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > LARGEST_BYTES:
        raise RollTooLarge(limit_mb=LARGEST_BYTES // MEGABYTE)
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            file.seek(0)
            roll = _read_zipped(file, uai, on)
        else:
            file.seek(0)
            roll = _read_plain(file, LARGEST_BYTES, uai, on)
    if uai is not None and roll.uai != uai:
        raise RollSchoolMismatch(found=roll.uai, expected=uai)
    return roll


def _read_zipped(file: BinaryIO, uai: str | None, on: date) -> Roll:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) != 1 or entries[0].flag_bits & 1:
                raise RollZipRefused()
            packed = max(entries[0].compress_size, 1)
            limit = min(LARGEST_BYTES, packed * LARGEST_RATIO)
            if entries[0].file_size > limit:
                raise RollZipBomb()
            with archive.open(entries[0]) as content:
                # What the archive says of its size isn't believed: the reader counts for itself.
                return _read_plain(content, limit, uai, on)
    except RollTooLarge:
        raise RollZipBomb() from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise RollZipRefused() from None


def _read_plain(file: object, limit: int, uai: str | None, on: date) -> Roll:
    guarded = GuardedStream(file, limit)
    head = guarded.peek(_HEAD_BYTES).removeprefix(_BOM)
    if not head.lstrip().startswith(b"<"):
        return fregata.read(guarded, uai=uai, on=on)
    found = _ROOT.match(head)
    if found is None:
        # A DOCTYPE comes before the root element: it is why no root was found, most of the time.
        raise RollForbiddenXml() if b"<!" in head else RollUnreadable(line=1)
    encoding = _ENCODING.search(found["declaration"] or b"")
    if encoding is not None and encoding[1].lower() not in _ENCODINGS:
        raise RollEncodingUnknown()
    root = found["root"].decode("ascii", "replace")
    if root != siecle.ROOT:
        raise RollNotARoll(found=root[:40])
    guarded.xml = True
    return siecle.read(guarded, on=on)


class GuardedStream:
    """A binary stream that counts and hashes what is read, and refuses what no roll holds.

    Refuses: more than `limit` bytes, NUL bytes, and in XML a DOCTYPE, an entity, or more tags than
    fit in memory. The encodings taken here all write these in ASCII, so they are seen as bytes,
    before the parser sees them.
    """

    def __init__(self, source: object, limit: int) -> None:
        self._source: BinaryIO = source  # type: ignore[assignment]
        self._limit = limit
        self._read = 0
        self._tags = 0
        self._tail = b""
        self._ahead = b""
        self._hash = hashlib.sha256()
        self.xml = False

    def peek(self, size: int) -> bytes:
        """Return the first bytes without consuming them."""
        self._ahead = self._source.read(size)
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes (all by default), checked."""
        if size < 0:
            return b"".join(iter(lambda: self.read(64 * 1024), b""))
        chunk, self._ahead = self._ahead[:size], self._ahead[size:]
        chunk = chunk or self._source.read(size)
        self._check(chunk)
        return chunk

    def digest(self) -> bytes:
        """Return the SHA-256 of all that has been read."""
        return self._hash.digest()

    def _check(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._limit:
            raise RollTooLarge(limit_mb=LARGEST_BYTES // MEGABYTE)
        if b"\0" in chunk:
            raise RollEncodingUnknown()
        if self.xml:
            self._tags += chunk.count(b"<")
            if self._tags > MOST_TAGS:
                raise RollTooLarge(limit_mb=LARGEST_BYTES // MEGABYTE)
            seen = self._tail + chunk
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                raise RollForbiddenXml()
            self._tail = seen[-8:]
        self._hash.update(chunk)
