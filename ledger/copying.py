"""Reading what COPY writes, and giving many ids to a function, fast enough for millions."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.adapt import Dumper

_UUID_OID, _UUID_ARRAY_OID = 2950, 2951
_UUID_LENGTH = "00000010"


def copied_lines(connection: psycopg.Connection[Any], query: sql.Composed) -> Iterator[bytes]:
    """Yield each line of `COPY (…) TO STDOUT` without its newline; run it to its end.

    libpq's own call for each line: psycopg's cursor takes half as much again over a short one.
    Raises psycopg.Error as a query does.
    """
    wire = connection.pgconn
    begun = wire.exec_(query.as_bytes(connection))
    if begun.status != pq.ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(begun, encoding=connection.info.encoding)
    take = wire.get_copy_data
    length, line = take(0)
    while length > 0:
        yield bytes(line[:-1])
        length, line = take(0)
    ended = wire.get_result()
    while (more := wire.get_result()) is not None:
        ended = more
    if ended is None or ended.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError("the copy was cut short")


class UuidArray(bytes):
    """Ids as PostgreSQL's binary array: it reads that twice as fast as the same in letters."""

    @classmethod
    def of(cls, ids: Sequence[str]) -> "UuidArray":
        """Return the array of these ids, each in its usual 36 characters."""
        header = struct.pack("!IIIII", 1, 0, _UUID_OID, len(ids), 1)
        letters = _UUID_LENGTH + _UUID_LENGTH.join(ids).replace("-", "")
        return cls(header + bytes.fromhex(letters))


class UuidArrayDumper(Dumper):
    """Gives a `UuidArray` to the server as it is; to be registered with a cursor."""

    format = pq.Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> bytes:
        """Return the bytes that go over the wire."""
        return obj
