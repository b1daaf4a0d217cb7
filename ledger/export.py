"""The portable export: every sealed transfer as the line that was hashed, and what checks it.

A folder of plain files that `sesame-verify` reads with no program of ours beside it, and that appears
under its name whole or not at all. Its lines never change: a later export begins with the same ones.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from ledger.auditor.export_folder import (
    ACCOUNTS,
    CHECKPOINT,
    FORMAT,
    KEY,
    LEAF_HASHES,
    LEAF_IDS,
    MANIFEST,
    OUTSIDE,
    PART_LEAVES,
    ROUNDS,
    part_name,
)
from ledger.checkpoints import KeptCheckpoint
from ledger.copying import copied_lines
from ledger.leaves import LEAF_COLUMNS
from ledger.reasons import ExportExists
from ledger.sealed_lines import SealedLine, bundles, sealed_lines
from ledger.sealing import past_the_seal, snapshot
from sesame.platform.database import Database
from sesame.platform.seal import SigningKey, read_checkpoint

ACCOUNT_COLUMNS = (
    *("id", "asset", "kind", "guarded", "floor", "share_plan_id", "backs_id", "unit_cents"),
    "created_at",
)


@dataclass(frozen=True)
class Exported:
    """What was written. missing: how many sealed transfers the book no longer holds."""

    folder: Path
    size: int
    missing: int


def export_ledger(
    database: Database,
    checkpoint: KeptCheckpoint,
    key: SigningKey,
    *,
    out: Path,
    checkpoint_file: Path,
    archives: Sequence[Path] = (),
    part_leaves: int = PART_LEAVES,
) -> Exported:
    """Write everything up to `checkpoint` into the new folder `out`, and the checkpoint into its file.

    A transfer that was sealed and is gone from the book is left out, for `sesame-verify` to name.
    archives: exports that hold what was detached. Raises `ExportExists` where `out` is there already.
    """
    if out.exists():
        raise ExportExists()
    out.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        writer = _Writer(making)
        with snapshot(database) as connection:
            missing, parts = _write_transfers(
                writer, sealed_lines(connection, checkpoint.size, archives), part_leaves
            )
            _write_hashes(writer, connection, checkpoint.size)
            _write_tables(writer, connection, checkpoint.size)
        writer.write(KEY, f"{key.verifying.text}\n".encode())
        writer.write(CHECKPOINT, checkpoint.note.encode())
        writer.write(
            MANIFEST,
            json.dumps(
                {
                    "format": FORMAT,
                    "origin": key.name,
                    "size": checkpoint.size,
                    "root": read_checkpoint(checkpoint.note).root.hex(),
                    "columns": list(LEAF_COLUMNS),
                    "account_columns": list(ACCOUNT_COLUMNS),
                    "parts": parts,
                    "files": writer.files,
                },
                indent=2,
            ).encode(),
        )
        making.chmod(0o755)
        making.rename(out)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _replace(checkpoint_file, checkpoint.note.encode())
    return Exported(out, checkpoint.size, missing)


@dataclass
class _Writer:
    """Writes files into a folder and keeps what the manifest says of them."""

    folder: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, name: str, content: bytes) -> None:
        with self.open(name) as put:
            put(content)

    @contextmanager
    def open(self, name: str) -> Iterator[Callable[[bytes], None]]:
        digest, length = sha256(), 0
        with (self.folder / name).open("wb") as file:

            def put(content: bytes) -> None:
                nonlocal length
                digest.update(content)
                length += len(content)
                file.write(content)

            yield put
            _flush(file)
        self.files[name] = {"bytes": length, "sha256": digest.hexdigest()}


def _write_transfers(
    writer: _Writer, lines: Iterator[SealedLine], part_leaves: int
) -> tuple[int, list[str]]:
    missing = 0
    parts: list[str] = []
    following = next(lines, None)
    while following is not None:
        name = part_name(len(parts) + 1)
        parts.append(name)
        until = len(parts) * part_leaves
        with writer.open(name) as put:
            while following is not None and following.leaf < until:
                if following.line is None:
                    missing += 1
                else:
                    put(following.line + b"\n")
                following = next(lines, None)
    return missing, parts


def _write_hashes(writer: _Writer, connection: psycopg.Connection[Any], size: int) -> None:
    with writer.open(LEAF_HASHES) as put_hashes, writer.open(LEAF_IDS) as put_ids:
        for ids, hashes in bundles(connection, size):
            put_hashes(hashes)
            put_ids("".join([f"{each}\n" for each in ids]).encode())


def _write_tables(writer: _Writer, connection: psycopg.Connection[Any], size: int) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, ACCOUNT_COLUMNS))
    leaf = sql.SQL(", ").join(map(sql.Identifier, LEAF_COLUMNS))
    tables = {
        ACCOUNTS: sql.SQL("SELECT {} FROM ledger.account ORDER BY id").format(columns),
        ROUNDS: sql.SQL(
            "SELECT size, encode(root, 'hex'), recorded_at FROM ledger.seal_round"
            " WHERE size <= {} ORDER BY size"
        ).format(sql.Literal(size)),
        OUTSIDE: sql.SQL("SELECT {} FROM ledger.every_transfer t WHERE {} ORDER BY id").format(
            leaf, past_the_seal(connection)
        ),
    }
    for name, query in tables.items():
        with writer.open(name) as put:
            for line in copied_lines(connection, sql.SQL("COPY ({}) TO STDOUT").format(query)):
                put(line + b"\n")


def _replace(file: Path, content: bytes) -> None:
    """Write a file whole, over an older one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        _flush(opened)
    Path(beside).chmod(0o644)
    Path(beside).replace(file)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
