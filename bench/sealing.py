"""`sealing`: a book sealed for the first time and verified, against the hashing alone in Python."""

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from resource import RUSAGE_SELF, getrusage

import psycopg
from psycopg import sql

from bench.installation import Installation
from bench.results import Result
from ledger.copying import copied_lines
from ledger.leaves import LEAF_COLUMNS
from ledger.seal_check import check_seal
from ledger.sealing import seal
from sesame.platform.database.connection import OWNER_ROLE

TRANSFERS = 1_000_000
_AT_A_TIME = 100_000
_FILL = """
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    SELECT {id}, gen_random_uuid(), gen_random_uuid(), 1 + number % 7000, 'capture',
           gen_random_uuid(), now(), now()
      FROM generate_series(1, {count}) number"""
# Ids that grow, as ours do: uuidv7() is of PostgreSQL 18.
_ID = (
    "(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7'"
    " || lpad(to_hex(({first} + number) % 4096), 3, '0') || '8'"
    " || lpad(to_hex({first} + number), 15, '0'))::uuid"
)


def sealing(here: Installation, transfers: int = TRANSFERS) -> Result:
    """Measure a first seal of `transfers` and the check of the seal against the rows.

    The reference hashes the same bytes in a bare loop: each line and each node of the tree, twice, as
    sealing and verifying each do it once.
    """
    _fill(here, transfers)
    sealed_in = _timed(lambda: seal(here.database, at=datetime.now(UTC)), transfers)
    with here.database.sessions() as session:
        broken = {}
        verified_in = _timed(lambda: broken.update(check_seal(session)), None)
    if any(broken.values()):
        raise AssertionError("the seal of an honest book doesn't hold")
    hashed_in, lines_in = _bare_hashing(here)
    peak = _peak_of_a_round(here, transfers)
    measured = transfers / (sealed_in + verified_in)
    reference = transfers / (2 * hashed_in)
    return Result(
        "sealing",
        round(measured / reference, 3),
        round(measured, 1),
        round(reference, 1),
        "transfers/s",
        f"{transfers:,} transfers sealed in {sealed_in:.1f} s and verified in {verified_in:.1f} s;"
        f" the same hashes (lines and nodes, twice) in a bare loop {2 * hashed_in:.1f} s, the lines"
        f" once {lines_in:.1f} s; Python's memory at its peak {peak} kB, the process's largest"
        f" {getrusage(RUSAGE_SELF).ru_maxrss // 1024} MB",
    )


def _fill(here: Installation, transfers: int) -> None:
    with psycopg.connect(here.server.url(OWNER_ROLE)) as connection:
        for first in range(0, transfers, _AT_A_TIME):
            count = min(_AT_A_TIME, transfers - first)
            query = _FILL.format(id=_ID.format(first=first), count=count)
            connection.execute(query)  # type: ignore[arg-type]
            connection.commit()
    with psycopg.connect(here.server.url(OWNER_ROLE), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.transfer")


def _timed(work: Callable[[], object], expected: object) -> float:
    began = time.perf_counter()
    answer = work()
    took = time.perf_counter() - began
    if expected is not None and answer != expected:
        raise AssertionError(f"{answer} instead of {expected}")
    return took


def _bare_hashing(here: Installation) -> tuple[float, float]:
    """Return the seconds that the leaves' and nodes' hashes take, and the leaves' alone."""
    columns = sql.SQL(", ").join(map(sql.Identifier, LEAF_COLUMNS))
    query = sql.SQL("COPY (SELECT {} FROM ledger.transfer LIMIT 100000) TO STDOUT").format(columns)
    with psycopg.connect(here.database.url) as connection:
        lines = list(copied_lines(connection, query))
        (total,) = connection.execute("SELECT count(*) FROM ledger.transfer").fetchone() or (0,)
    began = time.perf_counter()
    for line in lines:
        sha256(line).digest()
    between = time.perf_counter()
    node = bytes(65)
    for _ in range(len(lines) - 1):
        sha256(node).digest()
    ended = time.perf_counter()
    times = total / len(lines)
    return (ended - began) * times, (between - began) * times


def _peak_of_a_round(here: Installation, transfers: int) -> int:
    """Return what a round over a tenth more allocates at its peak, in kB: the same for any length."""
    _fill_more(here, max(transfers // 10, 1))
    tracemalloc.start()
    seal(here.database, at=datetime.now(UTC))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak // 1024


def _fill_more(here: Installation, count: int) -> None:
    with psycopg.connect(here.server.url(OWNER_ROLE)) as connection:
        query = _FILL.format(id="gen_random_uuid()", count=count)
        connection.execute(query)  # type: ignore[arg-type]
