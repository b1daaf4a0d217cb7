"""Row `growth`: purchases posted a second with twenty million past transfers ÷ with one million.

Two installations side by side, measured in turns: the same 370,000 entitlements and 5,000 payables, as
many past keys as captures, two years of them. Long: filling takes many minutes and 15 GB.
"""

import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
from sqlalchemy import text

from bench.installation import Installation, new_installation
from bench.past import fill
from bench.posting import check_books, open_books, per_second
from bench.posting_client import Clients
from bench.results import Result
from bench.turns import ROUNDS, in_turns
from sesame.platform.database import unit_of_work

FEW, MANY = 1_000_000, 20_000_000
PEOPLE = 185_000
SHOPS = 5_000
_YEARS = timedelta(days=730)
_BLOCKS = """
    SELECT CASE WHEN s.relname LIKE 'transfer%' THEN 'transfer' ELSE s.relname END
           || CASE WHEN s.indexrelname LIKE '%debit%' THEN ' by debit'
                   WHEN s.indexrelname LIKE '%credit%' THEN ' by credit'
                   WHEN s.indexrelname LIKE '%recorded_in%' THEN ' by time recorded'
                   ELSE ' by key' END AS index,
           sum(pg_relation_size(s.indexrelid))::bigint AS size,
           sum(s.idx_blks_hit)::bigint AS hit, sum(s.idx_blks_read)::bigint AS read
      FROM pg_statio_user_indexes s
     WHERE s.schemaname = 'ledger'
       AND (s.relname LIKE 'transfer%' OR s.relname IN ('idempotency', 'balance', 'account'))
     GROUP BY 1 ORDER BY 1
"""


def growth(seconds: int, few: int = FEW, many: int = MANY) -> Result:
    """Fill both, then post in turns; the note says what each index holds and what a purchase reads."""
    with ExitStack() as stack:
        places = {
            past: _Place(stack.enter_context(new_installation()), past) for past in (few, many)
        }
        for place in places.values():
            stack.enter_context(place.clients)
            for _ in range(2):
                place.per_second(seconds)
        turns = in_turns(
            {"growth": partial(places[many].per_second, seconds)},
            partial(places[few].per_second, seconds),
            ROUNDS + 2,
        )["growth"]
        for place in places.values():
            check_books(place.here, place.books, place.posted)
        told = "; ".join(f"with {past:,}: {place.blocks()}" for past, place in places.items())
    return turns.row(
        "growth", "per second",
        f"{many:,} past transfers by {few:,}, {2 * PEOPLE:,} entitlements, {SHOPS:,} payables; {told}",
    )  # fmt: skip


class _Place:
    """An installation with a past, and its clients."""

    def __init__(self, here: Installation, past: int) -> None:
        self.here = here
        at = datetime.now(UTC)
        with unit_of_work(here.database) as session:
            self.books = open_books(session, here.database.url, PEOPLE, at, payables=SHOPS)
        debits = [account for pair in self.books.pairs for account in pair]
        begin = time.monotonic()
        fill(here, past, debits, self.books.payables, (at - _YEARS, at), keys=True)
        self._filled_in = time.monotonic() - begin
        with unit_of_work(here.database) as session:
            held = session.scalar(
                text("SELECT count(*) FROM ledger.transfer WHERE kind = 'capture'")
            )
        if held != past:
            raise RuntimeError(f"the past holds {held} captures, not {past}")
        self.clients = Clients(self.books)
        self.posted: Counter[str] = Counter()
        self._before = self._read_blocks()

    def per_second(self, seconds: int) -> float:
        """Return purchases posted a second."""
        return per_second(self.clients, "one", seconds, self.posted)

    def blocks(self) -> str:
        """Say for each index its size, and how many of its blocks a purchase touched and missed."""
        time.sleep(2)  # clients' backends report at most once a second
        told = []
        for index, (size, hit, read) in self._read_blocks().items():
            _, hit_before, read_before = self._before[index]
            touched = (hit - hit_before + read - read_before) / self.posted["one"]
            missed = (read - read_before) / self.posted["one"]
            told.append(f"{index} {size / 2**20:.0f} MB {touched:.1f}/{missed:.3f}")
        return f"filled in {self._filled_in:.0f} s, " + ", ".join(told)

    def _read_blocks(self) -> dict[str, tuple[int, int, int]]:
        with psycopg.connect(self.here.server.url("postgres"), autocommit=True) as connection:
            return {
                index: (int(size), int(hit), int(read))
                for index, size, hit, read in connection.execute(_BLOCKS)
            }
