"""A past to work in: captures of earlier months written in bulk by the tables' owner, indexes in place.

They go around the functions, so the balances know nothing of them: what is measured on top must not
read balances and transfers against each other.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg

from bench.installation import Installation
from sesame.platform.ids import first_uuid7

AT_A_TIME = 500_000
_FILLERS = 2
# As many a second all along the span; ids are of their moment, as they were when it was now.
_CAPTURES = """
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    SELECT uuidv7(moment - clock_timestamp()), d.id, c.id, 1 + floor(random() * 5000)::int, 'capture',
           uuidv7(moment - clock_timestamp()), moment, moment
      FROM (SELECT %(first)s::timestamptz
                   + (%(last)s::timestamptz - %(first)s::timestamptz) * (n::float8 / %(of)s) AS moment,
                   1 + floor(random() * %(debits)s)::int AS debit,
                   1 + floor(random() * %(credits)s)::int AS credit
              FROM generate_series(%(from)s::int, %(to)s::int) n) drawn
      JOIN bench_past.debit d ON d.n = drawn.debit
      JOIN bench_past.credit c ON c.n = drawn.credit
     ORDER BY moment
"""
_KEYS = """
    INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
    SELECT 'past', uuidv7(moment - clock_timestamp()), sha256(int4send(n)), '"posted"', moment
      FROM (SELECT n, %(first)s::timestamptz
                   + (%(last)s::timestamptz - %(first)s::timestamptz) * (n::float8 / %(of)s) AS moment
              FROM generate_series(%(from)s::int, %(to)s::int) n) drawn
"""


def fill(
    here: Installation,
    captures: int,
    debits: Sequence[UUID],
    credits: Sequence[UUID],
    span: tuple[datetime, datetime],
    *,
    keys: bool,
) -> None:
    """Write `captures` from random `debits` to random `credits`, evenly over `span`.

    keys: whether each has an idempotency key as well. Partitions that the span needs are made.
    """
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
        _add_partitions(connection, span)
        connection.execute("CREATE SCHEMA bench_past")
        for side, accounts in (("debit", debits), ("credit", credits)):
            connection.execute(f"CREATE TABLE bench_past.{side} (n int PRIMARY KEY, id uuid)")
            connection.execute(
                f"INSERT INTO bench_past.{side} SELECT n, id FROM unnest(%s::uuid[])"
                " WITH ORDINALITY AS t(id, n)", [list(accounts)],
            )  # fmt: skip
        connection.execute("ANALYZE bench_past.debit, bench_past.credit")
    names = {
        "first": span[0], "last": span[1], "of": captures, "debits": len(debits),
        "credits": len(credits),
    }  # fmt: skip
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=_fill_part, args=(here, part, captures, names, keys, failures))
        for part in range(_FILLERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP SCHEMA bench_past CASCADE")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _fill_part(
    here: Installation,
    part: int,
    captures: int,
    names: dict[str, object],
    keys: bool,
    failures: list[BaseException],
) -> None:
    """Write one filler's share of the span, in time's order, a commit for each piece."""
    first, last = captures * part // _FILLERS + 1, captures * (part + 1) // _FILLERS
    try:
        with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            for begin in range(first, last + 1, AT_A_TIME):
                piece = names | {"from": begin, "to": min(last, begin + AT_A_TIME - 1)}
                connection.execute(_CAPTURES, piece)
                if keys:
                    connection.execute(_KEYS, piece)
    except BaseException as failure:
        failures.append(failure)


def _add_partitions(connection: psycopg.Connection, span: tuple[datetime, datetime]) -> None:
    for year in range(span[0].year, span[1].year + 1):
        known = connection.execute(
            "SELECT to_regclass(%s) IS NOT NULL", [f"ledger.transfer_{year}"]
        ).fetchone()
        if known[0]:
            continue
        bounds = [
            first_uuid7(span[0].replace(year=each, month=1, day=1, hour=0, minute=0, second=0,
                                        microsecond=0))
            for each in (year, year + 1)
        ]  # fmt: skip
        connection.execute("SET ROLE sesame_owner")
        connection.execute(
            f"CREATE TABLE ledger.transfer_{year} PARTITION OF ledger.transfer"
            f" FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')"
        )
        connection.execute("RESET ROLE")
