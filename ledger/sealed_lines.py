"""Reading the sealed transfers back in the order of their leaves, from the book and from archives."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from ledger.auditor.export_folder import ExportFolder
from ledger.copying import copied_lines
from ledger.leaves import LEAF_COLUMNS, UUID_CHARACTERS
from sesame.platform.seal import HASH_BYTES, TILE

BUNDLES_AT_A_TIME = 32
"""Few enough for the server to sort them in memory."""
_NULL = b"\\N"


class SealedLine(NamedTuple):
    """One leaf of the log. line: what the book says of it now; None where the transfer is gone."""

    leaf: int
    transfer_id: bytes
    line: bytes | None


def sealed_lines(
    connection: psycopg.Connection[Any], size: int, archives: Sequence[Path] = ()
) -> Iterator[SealedLine]:
    """Yield the first `size` leaves in order, a few bundles of them in memory at a time.

    archives: folders of exports that hold what was detached from the book since; a transfer that is
    gone from the book is taken from the first that has it. The connection is in leaf form.
    """
    kept = [_Archive(ExportFolder(folder)) for folder in archives]
    for first in range(0, -(-size // TILE), BUNDLES_AT_A_TIME):
        yield from _read(connection, first, size, kept)


def bundles(connection: psycopg.Connection[Any], size: int) -> Iterator[tuple[list[str], bytes]]:
    """Yield the ids and the hashes of each bundle of the first `size` leaves, as they were sealed."""
    with connection.cursor(name="bundles") as cursor:
        cursor.itersize = BUNDLES_AT_A_TIME
        cursor.execute(
            "SELECT number, transfer_ids::text, hashes FROM ledger.seal_bundle"
            " WHERE number * 256 < %s ORDER BY number",
            [size],
        )
        for number, ids, hashes in cursor:
            left = size - number * TILE
            yield ids[1:-1].split(",")[:left], bytes(hashes[: left * HASH_BYTES])


def _read(
    connection: psycopg.Connection[Any], first: int, size: int, archives: "Sequence[_Archive]"
) -> Iterator[SealedLine]:
    query = sql.SQL(
        "COPY (SELECT s.id, {columns} FROM ("
        " SELECT b.number, each.id, each.place FROM ledger.seal_bundle b,"
        " unnest(b.transfer_ids) WITH ORDINALITY AS each(id, place)"
        " WHERE b.number >= {first} AND b.number < {last}"
        ") s LEFT JOIN ledger.every_transfer t ON t.id = s.id"
        " WHERE s.number * 256 + s.place <= {size}"
        " ORDER BY s.number, s.place) TO STDOUT"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("t", name) for name in LEAF_COLUMNS),
        first=sql.Literal(first),
        last=sql.Literal(first + BUNDLES_AT_A_TIME),
        size=sql.Literal(size),
    )
    leaf = first * TILE
    # All at once: between two leaves, others read through the same connection.
    for row in list(copied_lines(connection, query)):
        transfer_id, line = row[:UUID_CHARACTERS], row[UUID_CHARACTERS + 1 :]
        if line.startswith(_NULL):
            yield SealedLine(leaf, transfer_id, _archived(archives, leaf))
        else:
            yield SealedLine(leaf, transfer_id, line)
        leaf += 1


def _archived(archives: "Sequence[_Archive]", leaf: int) -> bytes | None:
    return next((line for each in archives if (line := each.line(leaf)) is not None), None)


class _Archive:
    """The lines of one export, asked for in growing order."""

    def __init__(self, folder: ExportFolder) -> None:
        self._lines = enumerate(folder.lines())
        self._at: tuple[int, bytes] | None = None

    def line(self, leaf: int) -> bytes | None:
        while self._at is None or self._at[0] < leaf:
            self._at = next(self._lines, None)
            if self._at is None:
                return None
        return self._at[1] if self._at[0] == leaf else None
