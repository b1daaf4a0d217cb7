"""Who posts: two processes of four threads, a connection each, so that it's the ledger that is measured.

A psycopg client spends most of its time in Python; eight threads of one process wait for each other's
lock, eight processes for two cores. Each posting is made while the clock runs, as a caller would.
"""

import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, Self
from uuid import UUID

import psycopg

from ledger.idempotency import content_hash
from ledger.transfers import NewTransfer, Posting, post_batch, post_keyed
from sesame.platform.ids import uuid7

PROCESSES, THREADS = 2, 4
BATCH = 50
SCOPE = "bench"
TOO_MUCH = 2**40
_ANSWERS_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Books:
    """Where postings go: a connection's address, each person's two entitlements, payables.

    share_plan_id: the entitlements' own.
    """

    url: str
    share_plan_id: UUID
    pairs: Sequence[tuple[UUID, UUID]]
    payables: Sequence[UUID]


class Clients(AbstractContextManager["Clients"]):
    """The processes; they live, and keep their connections, until the `with` ends."""

    def __init__(self, books: Books) -> None:
        spawned = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(PROCESSES):
            ours, theirs = spawned.Pipe()
            process = spawned.Process(target=_serve, args=(theirs, books), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join(10)
            process.kill()

    def run(self, what: str, seconds: float) -> tuple[Counter[str], float]:
        """Post for `seconds`; return how often there was each outcome, and the seconds it took.

        what: "one" or "two" (transfers a purchase), or "batch".
        """
        start = time.monotonic() + 1
        for pipe in self._pipes:
            pipe.send((what, start, start + seconds))
        outcomes: Counter[str] = Counter()
        last = 0.0
        for pipe in self._pipes:
            if not pipe.poll(seconds + _ANSWERS_WITHIN_SECONDS):
                raise RuntimeError("a client doesn't answer")
            answer = pipe.recv()
            if isinstance(answer, str):
                raise RuntimeError(f"a client failed: {answer}")  # noqa: TRY004
            outcomes.update(answer[0])
            last = max(last, answer[1])
        return outcomes, last - start


def _serve(pipe: Connection, books: Books) -> None:
    connections = [
        psycopg.connect(books.url, autocommit=True, prepare_threshold=1) for _ in range(THREADS)
    ]
    while True:
        try:
            what, start, end = pipe.recv()
        except EOFError:
            return
        counts: list[Counter[str]] = [Counter() for _ in connections]
        failures: list[str] = []
        threads = [
            threading.Thread(target=_post_until, args=(*each, books, what, start, end, failures))
            for each in zip(connections, counts, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pipe.send(failures[0] if failures else (sum(counts, Counter()), time.monotonic()))


def _post_until(
    connection: psycopg.Connection[Any],
    counted: Counter[str],
    books: Books,
    what: str,
    start: float,
    end: float,
    failures: list[str],
) -> None:
    post = _WAYS[what]
    try:
        time.sleep(max(0.0, start - time.monotonic()))
        while time.monotonic() < end:
            post(connection, books, counted)
    except Exception as failure:
        failures.append(f"{type(failure).__name__}: {failure}")


def _purchase(books: Books, transfers: int, at: datetime, amount: int = 1) -> Posting:
    """Return a purchase of another random person's in another random shop, under a key of its own."""
    purchase, payable = uuid7(at), random.choice(books.payables)
    return Posting(
        scope=SCOPE,
        key=str(purchase),
        content_hash=content_hash(purchase.bytes, payable.bytes, b"%d" % amount),
        transfers=[
            NewTransfer(uuid7(at), entitlement, payable, amount, "capture", purchase, at)
            for entitlement in random.choice(books.pairs)[:transfers]
        ],
    )


def _one_by_one(
    transfers: int,
) -> Callable[[psycopg.Connection[Any], Books, Counter[str]], None]:
    def post(connection: psycopg.Connection[Any], books: Books, counted: Counter[str]) -> None:
        at = datetime.now(UTC)
        post_keyed(connection, _purchase(books, transfers, at), at=at)
        counted["posted"] += 1

    return post


def _batch(connection: psycopg.Connection[Any], books: Books, counted: Counter[str]) -> None:
    """Post fifty: 48 purchases, one of them again under the same key, one that nobody can pay."""
    at = datetime.now(UTC)
    batch = [_purchase(books, 1, at) for _ in range(BATCH - 2)]
    batch += [random.choice(batch), _purchase(books, 1, at, TOO_MUCH)]
    random.shuffle(batch)
    outcomes = post_batch(connection, batch, at=at)
    expected = [
        "insufficient_balance" if each.transfers[0].amount == TOO_MUCH else "posted"
        for each in batch
    ]
    if outcomes != expected:
        raise RuntimeError(f"unexpected outcomes: {Counter(outcomes)}")
    counted.update(posted=BATCH - 2, repeated=1, refused=1)


_WAYS = {"one": _one_by_one(1), "two": _one_by_one(2), "batch": _batch}
