"""Rows `ledger_post…`: purchases posted through the ledger's Python interface ÷ TPC-B; and a peer's.

One purchase: its key claimed and one capture from a guarded entitlement (`ledger_post`), or two
(`ledger_post_two`); or fifty purchases in one call, each with its own outcome, among them one that
repeats a key and one refused (`ledger_post_batch`, which counts the 48 that were posted). `peer` is
django-hordak's own transfer, without a guard or a key.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from statistics import median

import psycopg
from sqlalchemy.orm import Session

from bench.installation import Installation
from bench.peer import Peer
from bench.posting_client import BATCH, PROCESSES, SCOPE, THREADS, Books, Clients
from bench.results import Result
from bench.tpcb import tpcb_per_second
from bench.turns import Turns, in_turns
from ledger.accounts import create_share_plan, open_account
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

PEOPLE = 10_000
PAYABLES = 40
GRANTED_CENTS = 1_000_000
ROWS = ("ledger_post", "ledger_post_two", "ledger_post_batch", "peer")
_WAYS = {"ledger_post": "one", "ledger_post_two": "two", "ledger_post_batch": "batch"}
_TRANSFERS = {"one": 1, "two": 2, "batch": 1}


def posting_rows(here: Installation, asked: list[str], seconds: int) -> list[Result]:
    """Measure those of `ROWS` that are asked for; with `peer`, ours by it as well."""
    ways = {name: way for name, way in _WAYS.items() if name in asked or "peer" in asked}
    with unit_of_work(here.database) as session:
        books = open_books(session, here.database.url, PEOPLE, datetime.now(UTC))
    analyze(here)
    posted: Counter[str] = Counter()
    with ExitStack() as stack:
        clients = stack.enter_context(Clients(books))
        measures: dict[str, Callable[[], float]] = {
            name: partial(per_second, clients, way, seconds, posted) for name, way in ways.items()
        }
        for way in ways.values():
            per_second(clients, way, 2, posted)
        if "peer" in asked:
            peer = stack.enter_context(Peer.installed(here.server))
            measures["peer"] = partial(peer.per_second, PROCESSES, THREADS, seconds)
        reference = partial(tpcb_per_second, here.server, PROCESSES * THREADS, seconds)
        turns = in_turns(measures, reference)
        if "peer" in asked:
            peer.check()
    check_books(here, books, posted)
    return _rows(turns)


def open_books(
    session: Session, url: str, people: int, at: datetime, payables: int = PAYABLES
) -> Books:
    """Open entitlements for `people`, two each, and payables, with the ledger's own functions."""
    funding = open_account(session, kind="funding", guarded=False, at=at)
    envelope = open_account(session, kind="envelope", guarded=True, at=at)
    total = 2 * people * GRANTED_CENTS
    post(session, [NewTransfer(uuid7(at), funding, envelope, total, "fund", envelope, at)], at=at)
    share_plan = create_share_plan(session, [(envelope, 1)], at=at)
    accounts = [uuid7(at) for _ in range(2 * people)]
    granted = post_grants(
        session, accounts, [GRANTED_CENTS] * len(accounts),
        share_plan_id=share_plan, correlation_id=uuid7(at), counts_at=at, at=at,
    )  # fmt: skip
    if granted != total:
        raise RuntimeError("not all was granted")
    owed = [open_account(session, kind="payable", guarded=False, at=at) for _ in range(payables)]
    pairs = list(zip(accounts[::2], accounts[1::2], strict=True))
    return Books(url, share_plan, pairs, owed)


def analyze(here: Installation) -> None:
    """Let the planner know the tables, as it does on a server that has run for an hour."""
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def per_second(clients: Clients, way: str, seconds: int, posted: Counter[str]) -> float:
    """Return purchases posted a second; add them up in `posted`, by way."""
    outcomes, took = clients.run(way, seconds)
    posted[way] += outcomes["posted"]
    posted["refused"] += outcomes["refused"]
    return outcomes["posted"] / took


def check_books(here: Installation, books: Books, posted: Counter[str]) -> None:
    """Raise unless keys, transfers and balances are those of what was answered."""
    sold = sum(posted[way] * transfers for way, transfers in _TRANSFERS.items())
    expected = {
        "keys": sum(posted.values()),
        "captures": sold,
        "balances": 2 * len(books.pairs) * GRANTED_CENTS - sold,
    }
    with psycopg.connect(here.server.url("postgres")) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM ledger.idempotency WHERE scope = %s),"
            " (SELECT count(*) FROM ledger.transfer t JOIN ledger.idempotency i"
            "   ON i.scope = %s AND i.key = t.correlation_id::text AND t.kind = 'capture'),"
            " (SELECT sum(balance) FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id"
            "   WHERE a.share_plan_id = %s)",
            (SCOPE, SCOPE, books.share_plan_id),
        ).fetchone()
    found = dict(zip(expected, map(int, row), strict=True))
    if found != expected:
        raise RuntimeError(f"the books hold {found}, not {expected}")


def _rows(turns: dict[str, Turns]) -> list[Result]:
    who = f"{PROCESSES} processes of {THREADS} threads, a connection each"
    notes = {
        "ledger_post": f"a key and one capture; {who}",
        "ledger_post_two": f"a key and two captures; {who}",
        "ledger_post_batch": f"batches of {BATCH}, 2 % repeated and 2 % refused not counted; {who}",
        "peer": f"django-hordak's Account.transfer_to in a transaction; {who}",
    }
    rows = [turns[name].row(name, "per second", notes[name]) for name in turns]
    if "peer" in turns:
        theirs = turns["peer"]
        for name in ("ledger_post", "ledger_post_batch"):
            ours = turns[name]
            by_round = [a / b for a, b in zip(ours.ratios, theirs.ratios, strict=True)]
            rows.append(
                Result(
                    name=f"{name}_by_peer",
                    ratio=round(median(by_round), 2),
                    measured=round(median(ours.measured), 1),
                    reference=round(median(theirs.measured), 1),
                    unit="per second",
                    note="by the peer's, each to the TPC-B around it; rounds "
                    + ", ".join(f"{each:.1f}" for each in by_round),
                )
            )
    return rows
