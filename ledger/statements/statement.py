"""The statement of one account over a period: what it held, what moved, what it holds.

Opening + the sum of the lines = closing, always: each line carries the balance after it, and the last
one's is the closing balance. Lines are streamed, so a statement of any length takes the same memory.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.model import Account
from ledger.reasons import UnknownAccount
from ledger.statements.as_of import balances_as_of
from ledger.statements.reasons import PeriodInvalid

Clock = Literal["counted", "recorded"]
"""By when a transfer counts (`counts_at`), or by when it was recorded (`recorded_at`)."""

_MOMENT = {"counted": "counts_at", "recorded": "recorded_at"}
_ROWS_AT_A_TIME = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer as the account sees it. Amounts are units of its asset (cents for EUR).

    happened_at: its own date, where a closed month made it count later. counterpart_id: the account on
    the other side. amount: above zero when it came in. balance: what the account holds after it.
    """

    transfer_id: UUID
    counts_at: datetime
    happened_at: datetime | None
    recorded_at: datetime
    kind: str
    correlation_id: UUID
    counterpart_id: UUID
    amount: int
    balance: int

    @property
    def came_in(self) -> int:
        """What came in, or 0."""
        return max(self.amount, 0)

    @property
    def went_out(self) -> int:
        """What went out, or 0."""
        return max(-self.amount, 0)

    @property
    def own_date(self) -> datetime:
        """When it happened."""
        return self.happened_at or self.counts_at


@dataclass(frozen=True)
class Statement:
    """An account's statement from `since` (None: its beginning) until before `before`.

    known_before: told as it was known at that moment (None: as it is now). lines: read once.
    """

    account_id: UUID
    account_kind: str
    asset: str
    clock: Clock
    since: datetime | None
    before: datetime
    known_before: datetime | None
    opening: int
    lines: Generator[Line, None, None]


def statement(
    session: Session,
    account_id: UUID,
    *,
    since: datetime | None = None,
    before: datetime,
    clock: Clock = "counted",
    known_before: datetime | None = None,
) -> Statement:
    """Return the statement of an account; its lines are read from the database as they are taken.

    since, before: the period, its end left out, on `clock`. known_before: leave out what was recorded
    from that moment on. All aware. Raises `UnknownAccount`, `PeriodInvalid`.
    """
    moments = [moment for moment in (since, before, known_before) if moment is not None]
    if any(moment.tzinfo is None for moment in moments) or (since is not None and since >= before):
        raise PeriodInvalid()
    account = session.get(Account, account_id)
    if account is None:
        raise UnknownAccount()
    opening = 0
    if since is not None:
        counted = since if clock == "counted" else None
        recorded = since if clock == "recorded" else None
        known = [moment for moment in (recorded, known_before) if moment is not None]
        opening = balances_as_of(
            session,
            [account_id],
            counted_before=counted,
            recorded_before=min(known, default=None),
        )[account_id]
    lines = _lines(session, account_id, clock, since, before, known_before, opening)
    return Statement(
        account_id,
        account.kind,
        account.asset,
        clock,
        since,
        before,
        known_before,
        opening,
        lines,
    )


def _lines(
    session: Session,
    account_id: UUID,
    clock: Clock,
    since: datetime | None,
    before: datetime,
    known_before: datetime | None,
    opening: int,
) -> Generator[Line, None, None]:
    moment = _MOMENT[clock]
    within = f"t.{moment} < :before"
    if since is not None:
        within += f" AND t.{moment} >= :since"
    if known_before is not None:
        within += " AND t.recorded_at < :known"
    told = "t.id, t.counts_at, t.happened_at, t.recorded_at, t.kind, t.correlation_id"
    query = f"""
        SELECT {told}, t.debit_account_id AS counterpart, t.amount
          FROM ledger.transfer t WHERE t.credit_account_id = :account AND {within}
        UNION ALL
        SELECT {told}, t.credit_account_id, -t.amount
          FROM ledger.transfer t WHERE t.debit_account_id = :account AND {within}
         ORDER BY {moment}, id"""
    streamed = session.execute(
        text(query).execution_options(yield_per=_ROWS_AT_A_TIME),
        {"account": account_id, "since": since, "before": before, "known": known_before},
    )
    balance = opening
    with streamed as rows:
        for row in rows:
            balance += row.amount
            yield Line(
                row.id,
                row.counts_at,
                row.happened_at,
                row.recorded_at,
                row.kind,
                row.correlation_id,
                row.counterpart,
                row.amount,
                balance,
            )
