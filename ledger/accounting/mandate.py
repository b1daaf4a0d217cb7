"""The books of a mandate: the envelopes that one operator pays from, and all that their money goes through.

A mandate's account must be whole: every envelope whose money meets that of another, in a shared grant,
in what is owed to a payee, or in one payment, belongs to the same rendering.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.accounting.reasons import MandateNotWhole, NotAnEnvelope
from ledger.model import Account
from ledger.statements.reasons import PeriodInvalid

_ROWS_AT_A_TIME = 5_000
_ENVELOPES = text("SELECT envelope_id FROM ledger.mandate_envelopes(CAST(:envelopes AS uuid[]))")
_JOURNAL = text(
    "SELECT * FROM ledger.mandate_journal(CAST(:envelopes AS uuid[]), :since, :before)"
    " ORDER BY recorded_at, id"
).execution_options(yield_per=_ROWS_AT_A_TIME)
_BALANCES = text(
    "SELECT * FROM ledger.mandate_balances(CAST(:envelopes AS uuid[]), :since, :before)"
    " ORDER BY kind, account_id"
)
BANK = "bank"
"""The kind of a side that is the bank's: the ledger's `funding` and `paid` accounts."""


@dataclass(frozen=True)
class Mandate:
    """Envelopes that make a whole, and the period that is accounted for (its end left out)."""

    envelopes: tuple[UUID, ...]
    since: datetime
    before: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer of a mandate's journal. The kind of a side that is the bank's is `BANK`."""

    id: UUID
    kind: str
    amount_cents: int
    debit_account_id: UUID
    debit_kind: str
    credit_account_id: UUID
    credit_kind: str
    correlation_id: UUID
    counts_at: datetime
    happened_at: datetime | None
    recorded_at: datetime

    @property
    def own_date(self) -> datetime:
        """When it happened: the date of its supporting document."""
        return self.happened_at or self.counts_at


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What an account held when the period began, and what moved. Cents; opening: credits less debits."""

    account_id: UUID
    kind: str
    opening_cents: int
    debited_cents: int
    credited_cents: int

    @property
    def closing_cents(self) -> int:
        """What it holds when the period ends."""
        return self.opening_cents + self.credited_cents - self.debited_cents


def mandate(
    session: Session, envelopes: Sequence[UUID], *, since: datetime, before: datetime
) -> Mandate:
    """Return the mandate of `envelopes` (account ids) from `since` until before `before` (aware).

    Raises `NotAnEnvelope`, `PeriodInvalid`, or `MandateNotWhole`, which names the envelopes to add.
    """
    if since.tzinfo is None or before.tzinfo is None or since >= before:
        raise PeriodInvalid()
    wanted = set(envelopes)
    query = select(Account.id).where(Account.id.in_(wanted), Account.kind == "envelope")
    if not wanted or set(session.scalars(query)) != wanted:
        raise NotAnEnvelope()
    others = _connected(session, wanted) - wanted
    if others:
        raise MandateNotWhole(others=", ".join(sorted(str(each) for each in others)))
    return Mandate(tuple(sorted(wanted)), since, before)


def journal(session: Session, of: Mandate) -> Iterator[Entry]:
    """Yield the mandate's entries that count in its period, in the order of their recording."""
    with session.execute(_JOURNAL, _values(of)) as rows:
        for row in rows:
            yield Entry(
                row.id,
                row.kind,
                row.amount,
                row.debit_account_id,
                row.debit_kind or BANK,
                row.credit_account_id,
                row.credit_kind or BANK,
                row.correlation_id,
                row.counts_at,
                row.happened_at,
                row.recorded_at,
            )


def account_balances(session: Session, of: Mandate) -> list[AccountBalance]:
    """Return what each of the mandate's accounts held and moved, by kind and id."""
    return [
        AccountBalance(row.account_id, row.kind, row.opening, row.debited, row.credited)
        for row in session.execute(_BALANCES, _values(of))
    ]


def _connected(session: Session, envelopes: set[UUID]) -> set[UUID]:
    """Return these envelopes and every other that their money meets, directly or through others."""
    known: set[UUID] = set()
    found = envelopes
    while found != known:
        known = found
        found = known | set(session.scalars(_ENVELOPES, {"envelopes": sorted(known)}))
    return known


def _values(of: Mandate) -> dict[str, object]:
    return {"envelopes": list(of.envelopes), "since": of.since, "before": of.before}
