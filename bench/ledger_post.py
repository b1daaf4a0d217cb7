"""Row `ledger_post`: one purchase posted by the ledger's SQL function through psycopg ÷ TPC-B."""

import random
import threading
import time
from datetime import UTC, datetime
from statistics import median
from uuid import UUID

import psycopg
from sqlalchemy import text

from bench.installation import Installation
from bench.results import Result
from bench.tpcb import tpcb_per_second
from ledger.accounts import open_account
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

CLIENTS = 8
ROUNDS = 3
PAYABLES = 40
_POST = "SELECT ledger.post_transfers(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


def ledger_post(here: Installation, seconds: int) -> Result:
    """Post a capture of two transfers a transaction, from another random person's two accounts."""
    pairs, payables = _accounts(here)
    ratios, speeds, references = [], [], []
    before = tpcb_per_second(here.server, CLIENTS, seconds)
    for _ in range(ROUNDS):
        speed = _post_for(here, pairs, payables, seconds)
        after = tpcb_per_second(here.server, CLIENTS, seconds)
        reference = (before + after) / 2
        before = after
        speeds.append(speed)
        references.append(reference)
        ratios.append(speed / reference)
    return Result(
        name="ledger_post",
        ratio=round(median(ratios), 3),
        measured=round(median(speeds), 1),
        reference=round(median(references), 1),
        unit="per second",
        note=f"{CLIENTS} connections (threads of one Python process), two transfers a posting; "
        f"rounds {', '.join(f'{each:.2f}' for each in ratios)}",
    )


def _accounts(here: Installation) -> tuple[list[list[UUID]], list[UUID]]:
    """Return each person's two entitlement accounts, and payables to credit."""
    at = datetime.now(UTC)
    with unit_of_work(here.database) as session:
        pairs = session.scalars(
            text(
                "SELECT array_agg(account_id ORDER BY line) FROM cardsvc.entitlement"
                " WHERE line IN ('manuels', 'lecture') GROUP BY beneficiary_id"
            )
        ).all()
        payables = [
            open_account(session, kind="payable", guarded=False, at=at) for _ in range(PAYABLES)
        ]
    return list(pairs), payables


def _post_for(
    here: Installation, pairs: list[list[UUID]], payables: list[UUID], seconds: int
) -> float:
    done = [0] * CLIENTS
    failures: list[BaseException] = []
    start = threading.Barrier(CLIENTS + 1)
    end = time.perf_counter() + seconds + 1

    def post(number: int) -> None:
        try:
            with psycopg.connect(
                here.database.url, autocommit=True, prepare_threshold=1
            ) as connection:
                start.wait()
                while time.perf_counter() < end:
                    _post_once(connection, random.choice(pairs), random.choice(payables))
                    done[number] += 1
        except BaseException as failure:
            failures.append(failure)
            start.abort()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(done) / (time.perf_counter() - begin)


def _post_once(connection: psycopg.Connection, pair: list[UUID], payable: UUID) -> None:
    at = datetime.now(UTC)
    purchase = uuid7(at)
    connection.execute(
        _POST,
        (
            [uuid7(at), uuid7(at)], pair, [payable, payable], [1, 1], ["capture", "capture"],
            [purchase, purchase], [None, None], [at, at], at,
        ),
    )  # fmt: skip
