"""A run's bank file: made of the run's frozen rows alone, so the same run gives the same bytes.

Making it again pays nobody twice: the bank knows a message id that it has had, and the file's hash,
kept with the run the first time, must come out the same.
"""

import hashlib
import os
import tempfile
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.rails.sepa import Address, CreditTransfer, Party, PaymentOrder, bank_file
from merchants.rails.target_days import next_target_day
from merchants.reimbursements.model import Remittance, Run
from merchants.reimbursements.reasons import BankFileChanged, RunNotApproved, RunNotExported
from merchants.reimbursements.runs import find_run, lock_run
from sesame.platform.clock import day_in
from sesame.platform.scheme import current_scheme
from sesame.platform.settings import Settings


def export_run(session: Session, settings: Settings, run_id: UUID, at: datetime) -> Path:
    """Write the bank file of an approved run and return where it is.

    The file is `runs/<message id>.xml` under the files' folder, readable by its owner alone. The first
    time fixes its moment and the day of payment (the next TARGET day after `at` in the scheme's zone)
    and keeps them in the run with the file's hash; doing it again, whenever, writes the same bytes.
    Raises `RunUnknown`, `RunNotApproved` or `BankFileChanged`.
    """
    run = lock_run(session, run_id)
    if run.approved_at is None:
        raise RunNotApproved()
    first = run.state == "approved"
    order = payment_order(session, run, made_at=at) if first else _kept_order(session, run)
    content = bank_file(order) if first else _checked_content(run, order)
    path = settings.files_dir / "runs" / f"{run.message_id}.xml"
    write_privately(path, content)
    if first:
        run.file_sha256 = hashlib.sha256(content).digest()
        run.exported_at = at
        run.execution_on = order.execution_on
        run.state = "exported"
        session.flush()
    return path


def run_file(session: Session, run_id: UUID) -> bytes:
    """Return the bank file that was made of a run, without writing anything.

    Raises `RunUnknown`, `RunNotApproved`, `RunNotExported` or `BankFileChanged`.
    """
    run = find_run(session, run_id)
    if run.approved_at is None:
        raise RunNotApproved()
    return _checked_content(run, _kept_order(session, run))


def payment_order(
    session: Session, run: Run, *, made_at: datetime, execution_on: date | None = None
) -> PaymentOrder:
    """Return what the bank is asked to do, out of the run's frozen rows and these two figures.

    execution_on: the day kept with the run; None for a first file, which asks for the next TARGET day
    after `made_at`.
    """
    if execution_on is None:
        execution_on = next_target_day(day_in(current_scheme(session).zone, made_at))
    rows = session.scalars(
        select(Remittance).where(Remittance.run_id == run.id).order_by(Remittance.end_to_end_id)
    )
    return PaymentOrder(
        message_id=run.message_id,
        created_at=made_at,
        execution_on=execution_on,
        debtor=Party(
            name=run.debtor_name,
            iban=run.debtor_iban,
            bic=run.debtor_bic,
            address=Address(
                street=run.debtor_street,
                postal_code=run.debtor_postal_code,
                town=run.debtor_town,
                country=run.debtor_country,
                building_number=run.debtor_building_number,
            ),
        ),
        transfers=[_credit_transfer(run, row) for row in rows],
    )


def write_privately(path: Path, content: bytes) -> None:
    """Put `content` at `path` all at once, readable by its owner alone; make the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def _kept_order(session: Session, run: Run) -> PaymentOrder:
    if run.exported_at is None or run.execution_on is None:
        raise RunNotExported()
    return payment_order(session, run, made_at=run.exported_at, execution_on=run.execution_on)


def _checked_content(run: Run, order: PaymentOrder) -> bytes:
    content = bank_file(order)
    if hashlib.sha256(content).digest() != run.file_sha256:
        raise BankFileChanged()
    return content


def _credit_transfer(run: Run, row: Remittance) -> CreditTransfer:
    return CreditTransfer(
        end_to_end_id=row.end_to_end_id,
        creditor=Party(
            name=row.holder,
            iban=row.iban,
            bic=row.bic,
            address=Address(
                street=row.street,
                postal_code=row.postal_code,
                town=row.town,
                country=row.country,
                building_number=row.building_number,
            ),
        ),
        amount_cents=row.amount_cents,
        information=f"Remboursement {run.message_id}, {row.line_count} operation(s)",
    )
