"""The seal held against the rows: what `sesame ledger verify` says of it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from ledger.sealed_lines import bundles, sealed_lines
from ledger.sealing import driver, in_leaf_form, past_the_seal
from sesame.platform.seal import HASH_BYTES, CheckpointMalformed, Frontier, read_checkpoint

SEALED_AS_IT_WAS = "every sealed transfer is there as it was sealed"
NONE_PAST_THE_SEAL = "no transfer was put in past the seal"
TREE_HOLDS = "the log leads to its rounds and to every checkpoint"


def check_seal(session: Session, archives: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Return what breaks each of the seal's invariants: ids of transfers, sizes of the log.

    archives: exports that hold what was detached from the book. The session sees one snapshot.
    """
    connection = driver(session.connection())
    in_leaf_form(connection)
    size = _one(connection, "SELECT coalesce(max(size), 0) FROM ledger.seal_round")
    tree = _Tree(connection)
    changed = list(_changed(connection, size, archives, tree))
    strays = sql.SQL("SELECT id::text FROM ledger.every_transfer t WHERE {} ORDER BY id").format(
        past_the_seal(connection)
    )
    return {
        SEALED_AS_IT_WAS: changed,
        NONE_PAST_THE_SEAL: [row[0] for row in connection.execute(strays)],
        TREE_HOLDS: tree.wrong(size),
    }


def _changed(
    connection: psycopg.Connection[Any], size: int, archives: Sequence[Path], tree: "_Tree"
) -> Iterator[str]:
    lines = sealed_lines(connection, size, archives)
    for ids, hashes in bundles(connection, size):
        tree.append(hashes)
        here = [each.line for each in islice(lines, len(ids))]
        made = [b"" if line is None else sha256(b"\x00" + line).digest() for line in here]
        if b"".join(made) != hashes:
            for place, (transfer, digest) in enumerate(zip(ids, made, strict=False)):
                if digest != hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]:
                    yield transfer


class _Tree:
    """The tree made anew from the kept leaves, and what was signed or written of it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._roots: dict[int, set[bytes]] = {}
        notes = connection.execute("SELECT size, note FROM ledger.checkpoint")
        for size, note in notes:
            self._roots.setdefault(size, set()).add(_root(note))
        last = connection.execute(
            "SELECT size, root FROM ledger.seal_round ORDER BY size DESC LIMIT 1"
        )
        for size, root in last:
            self._roots.setdefault(size, set()).add(bytes(root))
        self._sizes = sorted(self._roots, reverse=True)
        self._frontier = Frontier()
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._wrong: list[int] = []

    def append(self, hashes: bytes) -> None:
        """Append a bundle's hashes, and compare the root at the sizes that were signed."""
        end = self._frontier.size + len(hashes) // HASH_BYTES
        while self._sizes and self._sizes[-1] <= end:
            size = self._sizes.pop()
            part = (size - self._frontier.size) * HASH_BYTES
            self._grow(hashes[:part])
            hashes = hashes[part:]
            if self._roots[size] != {self._frontier.root()}:
                self._wrong.append(size)
        self._grow(hashes)

    def wrong(self, size: int) -> list[str]:
        """Return the sizes at which the log isn't what was signed; also of tiles that don't fit."""
        kept = self._connection.execute("SELECT level, number, hashes FROM ledger.seal_tile")
        if {(level, number): bytes(hashes) for level, number, hashes in kept} != self._tiles:
            self._wrong.append(size)
        return [str(each) for each in (*self._wrong, *self._sizes)]

    def _grow(self, hashes: bytes) -> None:
        for level, number, new in self._frontier.append(hashes):
            if level:
                self._tiles[level, number] = self._tiles.get((level, number), b"") + new


def _root(note: str) -> bytes:
    try:
        return read_checkpoint(note).root
    except CheckpointMalformed:
        return b""


def _one(connection: psycopg.Connection[Any], query: sql.SQL | str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
