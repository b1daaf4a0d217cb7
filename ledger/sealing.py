"""Sealing: hashing new transfers into the log, behind the writes, and how far behind it is.

A round takes what has become visible since the last one: the transfers whose transaction the last
round's snapshot didn't see and this one's does. One that commits late, after others that began later,
is taken then, once; nobody waits for it. Reading takes no lock that a posting could wait for.

Two connections: one reads the transfers in one snapshot, the other writes the log, whose lock it holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from ledger.copying import UuidArray, UuidArrayDumper, copied_lines
from ledger.leaves import LEAF_COLUMNS, UUID_CHARACTERS
from ledger.reasons import SealBroken
from sesame.platform.database import Database
from sesame.platform.seal import HASH_BYTES, TILE, Frontier, TilesIncomplete, frontier_of

CHUNK = 32 * TILE
"""Leaves held in memory at a time."""

_SEALERS_LOCK = 7305790
_LAST_ROUND = (
    "SELECT size, root, snapshot, system_identifier,"
    " (SELECT count(*) > 0 FROM ledger.seal_round WHERE started_over),"
    " pg_snapshot_xmin(snapshot::pg_snapshot)::text::bigint,"
    " pg_snapshot_xmax(snapshot::pg_snapshot)::text::bigint"
    " FROM ledger.seal_round ORDER BY size DESC LIMIT 1"
)
_HERE_AND_NOW = (
    "SELECT pg_current_snapshot()::text,"
    " pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
    " (SELECT system_identifier::text FROM pg_control_system())"
)
_APPEND_LEAVES = "SELECT ledger.seal_leaves(%s, %s, %s)"
_APPEND_NODES = "SELECT ledger.seal_nodes(%s::integer, %s, %s)"
_END_ROUND = "SELECT ledger.end_seal_round(%s, %s, %s, %s, %s, %s)"

_NOT_IN_THE_LOG = sql.SQL(
    "NOT EXISTS (SELECT 1 FROM (SELECT unnest(transfer_ids) AS id FROM ledger.seal_bundle) sealed"
    " WHERE sealed.id = t.id)"
)


@dataclass(frozen=True)
class SealState:
    """How far the seal has come. unsealed_seconds: the age of the oldest unsealed transfer, 0 for none."""

    size: int
    sealed_at: datetime | None
    unsealed: int
    unsealed_seconds: float


@dataclass(frozen=True)
class _Round:
    """The last round: where the log ended and which transactions it had seen."""

    size: int
    root: bytes
    snapshot: str
    system: str
    ever_started_over: bool
    oldest: int
    newest: int


def seal(database: Database, *, at: datetime) -> int:
    """Seal every transfer that has become visible since the last round; return how many.

    0 also when another process is sealing at this moment. All of a round commits together. Raises
    `SealBroken` when the end of the log isn't what the last round left.
    """
    with database.engine.connect() as writing, writing.begin():
        writer = driver(writing)
        if not _first(writer, "SELECT pg_try_advisory_xact_lock(%s)", [_SEALERS_LOCK])[0]:
            return 0
        last = _last_round(writer)
        frontier = _frontier(writer, last)
        with snapshot(database) as reader:
            seen, newest, system = _first(reader, _HERE_AND_NOW)
            start_over = last is not None and (last.system != system or last.newest > newest)
            wanted = _unsealed(last, newest, start_over=start_over)
            query = sql.SQL("COPY (SELECT {} FROM ledger.transfer t WHERE {} {}) TO STDOUT").format(
                sql.SQL(", ").join(map(sql.Identifier, LEAF_COLUMNS)),
                wanted,
                sql.SQL("ORDER BY recorded_in, id"),
            )
            sealed = 0
            for ids, hashes in _chunks(reader, query):
                _append(writer, frontier, ids, hashes)
                sealed += len(ids)
        if sealed:
            writer.execute(
                _END_ROUND, [frontier.size, frontier.root(), seen, system, start_over, at]
            )
        return sealed


def seal_state(session: Session, at: datetime) -> SealState:
    """Return the size of the log, and how many transfers wait to be sealed and for how long."""
    connection = driver(session.connection())
    last = _last_round(connection)
    _, newest, system = _first(connection, _HERE_AND_NOW)
    start_over = last is not None and (last.system != system or last.newest > newest)
    query = sql.SQL("SELECT count(*), min(recorded_at) FROM ledger.transfer t WHERE {}").format(
        _unsealed(last, newest, start_over=start_over)
    )
    count, oldest = _first(connection, query)
    age = (at - oldest).total_seconds() if oldest is not None else 0.0
    sealed_at = session.scalar(text("SELECT max(recorded_at) FROM ledger.seal_round"))
    return SealState(last.size if last else 0, sealed_at, count, max(age, 0.0))


def tiles_of(session: Session) -> "TileReader":
    """Return what reads the kept log's tiles in this session."""
    return TileReader(driver(session.connection()))


@dataclass(frozen=True)
class TileReader:
    """Reads the kept log's tiles through one connection."""

    connection: psycopg.Connection[Any]

    def __call__(self, level: int, number: int) -> bytes:
        """Return the hashes of a tile; nothing where there is none."""
        if level == 0:
            query = "SELECT hashes FROM ledger.seal_bundle WHERE number = %s"
            row = self.connection.execute(query, [number]).fetchone()
        else:
            query = "SELECT hashes FROM ledger.seal_tile WHERE level = %s AND number = %s"
            row = self.connection.execute(query, [level, number]).fetchone()
        return bytes(row[0]) if row else b""


def _unsealed(last: _Round | None, newest: int, *, start_over: bool) -> sql.Composable:
    """Return the condition of what `last` hasn't sealed.

    The bounds let the block-range index find the tail; those of another cluster, brought here by a
    logical restore, can carry numbers that this one will only reach: they are told by the log itself.
    """
    if last is None:
        return sql.SQL("true")
    if start_over:
        return _NOT_IN_THE_LOG
    condition = sql.SQL(
        "recorded_in >= {} AND recorded_in < {}"
        " AND NOT pg_visible_in_snapshot(recorded_in::text::xid8, {}::pg_snapshot)"
    ).format(sql.Literal(last.oldest), sql.Literal(newest), sql.Literal(last.snapshot))
    if last.ever_started_over:
        condition += sql.SQL(" AND ledger.leaf_of(t.id) IS NULL")
    return condition


def past_the_seal(connection: psycopg.Connection[Any]) -> sql.Composable:
    """Return the condition of the transfers `t` that aren't in the log and never will be by a round.

    Their number says that the last round saw them, or that they are yet to come: somebody put them
    into the book past its functions.
    """
    last = _last_round(connection)
    if last is None:
        return sql.SQL("false")
    _, newest, _ = _first(connection, _HERE_AND_NOW)
    return _NOT_IN_THE_LOG + sql.SQL(
        " AND (recorded_in >= {} OR pg_visible_in_snapshot(recorded_in::text::xid8, {}::pg_snapshot))"
    ).format(sql.Literal(newest), sql.Literal(last.snapshot))


def _last_round(connection: psycopg.Connection[Any]) -> _Round | None:
    row = connection.execute(_LAST_ROUND).fetchone()
    return _Round(*row) if row else None


def _frontier(connection: psycopg.Connection[Any], last: _Round | None) -> Frontier:
    """Return the end of the log, checked against the last round. Raises `SealBroken`."""
    if last is None:
        return Frontier()
    try:
        frontier = frontier_of(last.size, TileReader(connection))
    except TilesIncomplete:
        raise SealBroken(size=last.size) from None
    if frontier.root() != last.root:
        raise SealBroken(size=last.size)
    return frontier


def _chunks(
    reader: psycopg.Connection[Any], query: sql.Composed
) -> Iterator[tuple[list[str], list[bytes]]]:
    """Yield the transfers' ids and their leaves' hashes, a chunk at a time."""
    ids: list[str] = []
    hashes: list[bytes] = []
    for line in copied_lines(reader, query):
        ids.append(line[:UUID_CHARACTERS].decode("ascii"))
        hashes.append(sha256(b"\x00" + line).digest())
        if len(ids) == CHUNK:
            yield ids, hashes
            ids, hashes = [], []
    if ids:
        yield ids, hashes


def _append(
    writer: psycopg.Connection[Any], frontier: Frontier, ids: list[str], hashes: list[bytes]
) -> None:
    leaves, nodes = [], []
    taken = 0
    for level, number, new in frontier.append(b"".join(hashes)):
        if level:
            nodes.append((level, number, new))
            continue
        count = len(new) // HASH_BYTES
        leaves.append((number, UuidArray.of(ids[taken : taken + count]), new))
        taken += count
    with writer.cursor() as cursor:
        cursor.adapters.register_dumper(UuidArray, UuidArrayDumper)
        cursor.executemany(_APPEND_LEAVES, leaves)
        cursor.executemany(_APPEND_NODES, nodes)


@contextmanager
def snapshot(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection that sees one moment, and writes times and numbers as a leaf has them."""
    with database.engine.connect() as pooled:
        reading = pooled.execution_options(isolation_level="REPEATABLE READ")
        with reading.begin():
            connection = driver(reading)
            in_leaf_form(connection)
            yield connection


def in_leaf_form(connection: psycopg.Connection[Any]) -> None:
    """Have this transaction write times as a leaf has them."""
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    connection.execute("SET LOCAL DateStyle = 'ISO'")


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """Return psycopg's connection below SQLAlchemy's, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101  narrows the type
    return raw


def _first(
    connection: psycopg.Connection[Any], query: Any, parameters: list[Any] | None = None
) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # noqa: S101  each of these queries gives one row
    return row
