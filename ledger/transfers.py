"""Posting transfers: one linked set, or many sets each with its own key and outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.outcomes import OUTCOMES, check_amounts, refusals, sqlstate
from ledger.reasons import TransferExists, TransferExistsDifferently
from sesame.platform.problems import Busy, IdempotencyConflict

_UNIQUE_VIOLATION = "23505"
_KEY_TAKEN_MEANWHILE = "SL013"
TURNS = 5
"""Posting starts over when a key was taken meanwhile: what is kept then answers."""


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """A transfer to post. `id` is the caller's: posting it again is told apart from a new one.

    amount: units of the accounts' asset (cents for EUR), above zero. correlation_id: what it belongs
    to in the rooms above (a purchase, a grant batch, a remittance). counts_at: when it counts.
    happened_at: its own date, where a closed month makes it count later.
    """

    id: UUID
    debit: UUID
    credit: UUID
    amount: int
    kind: str
    correlation_id: UUID
    counts_at: datetime
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A linked set with its idempotency key. content_hash: of all that was asked."""

    scope: str
    key: str
    content_hash: bytes
    transfers: Sequence[NewTransfer]


_POST = text(
    "SELECT ledger.post_transfers(:ids, :debits, :credits, :amounts, :kinds, :correlations, "
    ":counts_at, :recorded_at, :happened_at)"
)
_COUNT_SAME = text(
    "SELECT ledger.count_same(:ids, :debits, :credits, :amounts, :kinds, :correlations)"
)
_POST_KEYED = "SELECT ledger.post_keyed(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_POST_MANY = "SELECT ledger.post_many_keyed(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_CLAIM = "SELECT ledger.claim_key(%s, %s, %s, %s, %s)"


def post(session: Session, transfers: Sequence[NewTransfer], *, at: datetime) -> None:
    """Append a linked set of transfers, all or none; `at` is when they are recorded.

    Only of the kinds that stand alone: fund, capture, remit, settle. Raises `InsufficientBalance`,
    `UnknownAccount`, `AssetMismatch`, `MovementNotAllowed`, `PeriodClosed`, `AmountOutOfRange`,
    `TransferExists` (the very same set was posted before) or `TransferExistsDifferently`. A refused
    set leaves the session usable: nothing of it is kept.
    """
    if not transfers:
        return
    check_amounts(*(each.amount for each in transfers))
    columns: dict[str, Any] = {
        "ids": [each.id for each in transfers],
        "debits": [each.debit for each in transfers],
        "credits": [each.credit for each in transfers],
        "amounts": [each.amount for each in transfers],
        "kinds": [each.kind for each in transfers],
        "correlations": [each.correlation_id for each in transfers],
    }
    more = {
        "counts_at": [each.counts_at for each in transfers],
        "recorded_at": at,
        "happened_at": [each.happened_at for each in transfers],
    }
    try:
        with refusals(session):
            session.execute(_POST, columns | more)
    except DBAPIError as error:
        if sqlstate(error) == _UNIQUE_VIOLATION:
            same = session.scalar(_COUNT_SAME, columns)
            known = TransferExists if same == len(transfers) else TransferExistsDifferently
            raise known() from None
        raise


def post_keyed(connection: psycopg.Connection[Any], posting: Posting, *, at: datetime) -> None:
    """Post one linked set under its key, in one transaction of its own (autocommit).

    Asked again, the first outcome comes again: None, or the error that was raised then (see `post`).
    Raises `IdempotencyConflict` when the key served for something else, `TransferExistsDifferently` for
    an id that another key's transfer has. One round trip, unless it is
    refused: a refusal is kept under the key by a second.
    """
    check_amounts(*(each.amount for each in posting.transfers))
    key = (posting.scope, posting.key, posting.content_hash)
    values = (*key, *_columns(posting.transfers, at))
    try:
        outcome = str(_in_turns(connection, _POST_KEYED, values))
    except psycopg.Error as error:
        if error.sqlstate not in OUTCOMES:
            raise
        outcome = _keep_refusal(connection, posting, error.sqlstate, at)
    if outcome == "conflict":
        raise IdempotencyConflict()
    if outcome != "posted":
        raise OUTCOMES[outcome]()


def _in_turns(connection: psycopg.Connection[Any], statement: str, values: Sequence[object]) -> Any:
    """Ask, and ask again when a key, or a retry's transfer, was written while this was posting."""
    taken: psycopg.Error | None = None
    for _turn in range(TURNS):
        try:
            return _one(connection, statement, values)
        except psycopg.Error as error:
            if error.sqlstate not in (_KEY_TAKEN_MEANWHILE, _UNIQUE_VIOLATION):
                raise
            taken = error
    if taken is not None and taken.sqlstate == _UNIQUE_VIOLATION:
        raise TransferExistsDifferently() from None
    raise Busy()


def _keep_refusal(
    connection: psycopg.Connection[Any], posting: Posting, state: str, at: datetime
) -> str:
    """Keep a refusal under its key; what another kept there meanwhile is the outcome instead."""
    values = (posting.scope, posting.key, posting.content_hash, Jsonb(state), at)
    kept = _one(connection, _CLAIM, values)
    if kept is None:
        return state
    if bytes.fromhex(kept["content_hash"]) != posting.content_hash:
        return "conflict"
    return str(kept["outcome"])


def post_batch(
    connection: psycopg.Connection[Any], postings: Sequence[Posting], *, at: datetime
) -> list[str]:
    """Post many linked sets in one round trip and one commit, each with its own outcome.

    Returns for each "posted", or the code of a reason: one refusal holds up nobody else, and is kept
    under its key. A key that was used before, in this batch or earlier, has its first outcome again,
    or "idempotency_conflict" for other content. Raises `AmountOutOfRange` before anything is asked, `Busy`
    when keys are being taken as fast as it asks, `TransferExistsDifferently` for an id that another key's
    transfer has.
    """
    if not postings:
        return []
    rows = [(n, each) for n, posting in enumerate(postings, 1) for each in posting.transfers]
    check_amounts(*(each.amount for _n, each in rows))
    values = (
        [each.scope for each in postings],
        [each.key for each in postings],
        [each.content_hash for each in postings],
        [n for n, _each in rows],
        *_columns([each for _n, each in rows], at),
    )
    return [_code(outcome) for outcome in _in_turns(connection, _POST_MANY, values)]


def _code(outcome: str) -> str:
    if outcome == "posted":
        return outcome
    if outcome == "conflict":
        return IdempotencyConflict.reason.code
    return OUTCOMES[outcome].reason.code


def _columns(transfers: Sequence[NewTransfer], at: datetime) -> tuple[object, ...]:
    return (
        [each.id for each in transfers],
        [each.debit for each in transfers],
        [each.credit for each in transfers],
        [each.amount for each in transfers],
        [each.kind for each in transfers],
        [each.correlation_id for each in transfers],
        [each.counts_at for each in transfers],
        at,
        [each.happened_at for each in transfers],
    )


def _one(connection: psycopg.Connection[Any], statement: str, values: Sequence[object]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None
