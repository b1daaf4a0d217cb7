"""Reading runs: the list, one run, its payments, the sales that each payment pays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from merchants.reimbursements.model import Remittance, Run, RunLine
from merchants.reimbursements.reasons import RunUnknown

REMITTANCES_A_PAGE = 100
_ROWS_AT_A_TIME = 5_000


@dataclass(frozen=True)
class StatementRow:
    """One sale or refund of a payment, for a bookkeeper. amount_cents: below zero for a refund.

    end_to_end_id: of the payment, as the payee's bank statement shows it.
    """

    end_to_end_id: str
    transfer_id: UUID
    counts_at: datetime
    amount_cents: int


def find_run(session: Session, run_id: UUID) -> Run:
    """Return the run. Raises `RunUnknown`."""
    run = session.get(Run, run_id)
    if run is None:
        raise RunUnknown()
    return run


def lock_run(session: Session, run_id: UUID) -> Run:
    """Return the run as it is now, locked until the unit of work ends. Raises `RunUnknown`."""
    run = session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise RunUnknown()
    return run


def list_runs(session: Session, *, limit: int = 200) -> Sequence[Run]:
    """Return the latest runs first."""
    return session.scalars(
        select(Run).order_by(Run.drafted_at.desc(), Run.id.desc()).limit(limit)
    ).all()


def remittances(session: Session, run_id: UUID, page: int = 1) -> Sequence[Remittance]:
    """Return one page (from 1) of a run's payments, the largest first."""
    return session.scalars(
        select(Remittance)
        .where(Remittance.run_id == run_id)
        .order_by(Remittance.amount_cents.desc(), Remittance.id)
        .limit(REMITTANCES_A_PAGE)
        .offset((page - 1) * REMITTANCES_A_PAGE)
    ).all()


def statement_rows(
    session: Session, run_id: UUID, remittance_id: UUID | None = None
) -> Iterator[StatementRow]:
    """Yield each sale and refund of a run once, by payment and date; or those of one payment.

    Reads in pieces, so a run of a million sales takes no more memory than a small one.
    """
    query = (
        select(
            Remittance.end_to_end_id, RunLine.transfer_id, RunLine.counts_at, RunLine.amount_cents
        )
        .join(RunLine, RunLine.remittance_id == Remittance.id)
        .where(Remittance.run_id == run_id)
        .order_by(Remittance.end_to_end_id, RunLine.counts_at, RunLine.transfer_id)
    )
    if remittance_id is not None:
        query = query.where(Remittance.id == remittance_id)
    result = session.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    for end_to_end_id, transfer_id, counts_at, amount_cents in result:
        yield StatementRow(end_to_end_id, transfer_id, counts_at, amount_cents)


def waiting_totals(session: Session) -> tuple[int, int, int]:
    """Return (runs, payments, cents) of all drafts."""
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Run.remittance_count), 0),
            func.coalesce(func.sum(Run.total_cents), 0),
        ).where(Run.state == "draft")
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
