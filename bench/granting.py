"""Row `granting`: 370,000 entitlements by `post_grants` ÷ a bare INSERT … SELECT of the same rows.

A grant writes an account, its balance and a transfer. The bare statements write as many rows with the
same columns and values into three tables that have nothing but the same primary keys, from ids that lie
ready, and in order, in a table. Ours takes its ids from Python, opens and checks, debits the envelope and keeps the
ledger's other indexes. Both end with their commit.
"""

import time
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from bench.installation import Installation
from bench.results import Result
from bench.turns import ROUNDS, in_turns
from ledger.accounts import create_share_plan, open_account
from ledger.grants import post_grants
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

ENTITLEMENTS = 370_000
AMOUNTS = (2_000, 5_000, 10_000)
_PREPARE = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.account (LIKE ledger.account, PRIMARY KEY (id));
    CREATE TABLE bench.balance (LIKE ledger.balance, PRIMARY KEY (account_id));
    CREATE TABLE bench.transfer (LIKE ledger.transfer INCLUDING DEFAULTS, PRIMARY KEY (id));
    CREATE TABLE bench.ready (id uuid, transfer_id uuid, amount bigint);
"""
_BARE = (
    "INSERT INTO bench.account (id, asset, kind, guarded, floor, share_plan_id, created_at)"
    " SELECT id, 'EUR', 'entitlement', true, 0, %(plan)s, %(at)s FROM bench.ready",
    "INSERT INTO bench.balance (account_id, balance, held, floor)"
    " SELECT id, amount, 0, 0 FROM bench.ready",
    "INSERT INTO bench.transfer (id, debit_account_id, credit_account_id, amount, kind,"
    " correlation_id, counts_at, recorded_at)"
    " SELECT transfer_id, %(envelope)s, id, amount, 'grant', %(batch)s, %(at)s, %(at)s"
    " FROM bench.ready",
)


def granting(here: Installation, entitlements: int = ENTITLEMENTS) -> Result:
    """Grant in each round to as many new accounts; every cent must have left the envelope."""
    at = datetime.now(UTC)
    amounts = [AMOUNTS[number % len(AMOUNTS)] for number in range(entitlements)]
    with unit_of_work(here.database) as session:
        envelope, plan = _fund(session, ROUNDS * sum(amounts), at)
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
        connection.execute(_PREPARE)
        names = {"plan": plan, "envelope": envelope, "batch": uuid7(at), "at": at}

        def bare() -> float:
            connection.execute("TRUNCATE bench.account, bench.balance, bench.transfer, bench.ready")
            with connection.cursor().copy("COPY bench.ready FROM STDIN") as rows:
                ready = [sorted(uuid7(at) for _ in amounts) for _ in range(2)]
                for row in zip(*ready, amounts, strict=True):
                    rows.write_row(row)
            connection.execute("VACUUM (ANALYZE) bench.ready")
            connection.execute("CHECKPOINT")
            begin = time.perf_counter()
            with connection.transaction():
                written = [connection.execute(each, names).rowcount for each in _BARE]
            took = time.perf_counter() - begin
            if written != [entitlements] * 3:
                raise RuntimeError(f"the bare statements wrote {written} rows")
            return took

        def ours() -> float:
            accounts = [uuid7(at) for _ in amounts]
            connection.execute("CHECKPOINT")
            begin = time.perf_counter()
            with unit_of_work(here.database) as session:
                post_grants(
                    session, accounts, amounts, share_plan_id=plan, correlation_id=uuid7(at),
                    counts_at=at, at=at,
                )  # fmt: skip
            return time.perf_counter() - begin

        turns = in_turns({"granting": ours}, bare)["granting"]
        _check(connection, plan, envelope, ROUNDS * entitlements, ROUNDS * sum(amounts))
        connection.execute("DROP SCHEMA bench CASCADE")
    return turns.row(
        "granting", "seconds (less is better)",
        f"{entitlements:,} entitlements from one envelope: {entitlements / turns.measured[-1]:,.0f}"
        " a second; reference: as many bare rows in three tables",
    )  # fmt: skip


def _fund(session: Session, cents: int, at: datetime) -> tuple[UUID, UUID]:
    """Return an envelope that holds just so much, and its share plan."""
    funding = open_account(session, kind="funding", guarded=False, at=at)
    envelope = open_account(session, kind="envelope", guarded=True, at=at)
    post(session, [NewTransfer(uuid7(at), funding, envelope, cents, "fund", envelope, at)], at=at)
    return envelope, create_share_plan(session, [(envelope, 1)], at=at)


def _check(
    connection: psycopg.Connection, plan: UUID, envelope: UUID, accounts: int, cents: int
) -> None:
    row = connection.execute(
        "SELECT count(*), sum(b.balance), sum(t.amount),"
        " (SELECT balance FROM ledger.balance WHERE account_id = %s)"
        " FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id"
        " JOIN ledger.transfer t ON t.credit_account_id = a.id AND t.kind = 'grant'"
        "  AND t.debit_account_id = %s WHERE a.share_plan_id = %s",
        (envelope, envelope, plan),
    ).fetchone()
    if tuple(map(int, row)) != (accounts, cents, cents, 0):
        raise RuntimeError(f"the books hold {row}, not {(accounts, cents, cents, 0)}")
