"""Preparing a run: claim what is owed up to a cut-off, and freeze the accounts that it is paid to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.accounts import open_account
from merchants.rails.sepa import Party, check_party
from merchants.reimbursements.model import Run, TransitAccount
from merchants.reimbursements.owed import UNCLAIMED, left_out, unclaimed_values, unpayable
from merchants.reimbursements.payers import Payer, find_payer
from merchants.reimbursements.reasons import (
    CutoffInFuture,
    NobodyPayable,
    NothingToPay,
    RunNotDraft,
)
from merchants.reimbursements.runs import lock_run
from sesame.platform.ids import uuid7
from sesame.platform.scheme import current_scheme

# Two drafts of one payer wait for each other, so that the second sees what the first has claimed.
_ONE_DRAFT_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('merchants.run:' || :payer, 0))"
)

ACCOUNT_CHANGED = """
    (r.holder, r.iban, r.bic, r.building_number, r.street, r.postal_code, r.town, r.country)
    IS DISTINCT FROM
    (p.holder, p.iban, p.bic, p.building_number, p.street, p.postal_code, p.town, p.country)
"""
"""True where a payment's frozen account (r) is no longer the payee's (p)."""

_RUN_AND_PAYMENTS = """
    whole AS (
        SELECT count(*) AS payees, sum(lines)::bigint AS lines, sum(amount)::bigint AS amount
          FROM owed HAVING count(*) > 0
    ), new_run AS (
        INSERT INTO merchants.run (
            id, payer, cutoff_at, state, drafted_by, drafted_at, message_id, total_cents,
            remittance_count, line_count, debtor_name, debtor_iban, debtor_bic,
            debtor_building_number, debtor_street, debtor_postal_code, debtor_town, debtor_country)
        SELECT :run_id, :payer, :cutoff_at, 'draft', :by, :at, :message_id, amount, payees, lines,
               :debtor_name, :debtor_iban, :debtor_bic, :debtor_building_number,
               :debtor_street, :debtor_postal_code, :debtor_town, :debtor_country
          FROM whole
        RETURNING id
    ), numbered AS MATERIALIZED (
        SELECT platform.uuid7(:at) AS id, owed.* FROM owed
    ), new_remittance AS (
        INSERT INTO merchants.remittance (
            id, run_id, payee_id, amount_cents, line_count, end_to_end_id, holder, iban, bic,
            building_number, street, postal_code, town, country)
        SELECT n.id, new_run.id, n.payee_id, n.amount, n.lines, replace(n.id::text, '-', ''),
               p.holder, p.iban, p.bic, p.building_number, p.street, p.postal_code, p.town,
               p.country
          FROM numbered n JOIN merchants.payee p ON p.id = n.payee_id CROSS JOIN new_run
    )
"""

# The claims of withdrawn runs are looked up by their payments, never by reading all lines.
_LINES = """
    withdrawn AS MATERIALIZED (
        SELECT l.transfer_id, max(l.claim) AS claim
          FROM merchants.run r JOIN merchants.remittance m ON m.run_id = r.id
          JOIN merchants.run_line l ON l.remittance_id = m.id
         WHERE r.state = 'withdrawn' GROUP BY l.transfer_id
    ), new_line AS (
        INSERT INTO merchants.run_line (
            transfer_id, run_id, remittance_id, account_id, amount_cents, counts_at, claim)
        SELECT u.transfer_id, new_run.id, n.id, u.account_id, u.amount, u.counts_at,
               coalesce(w.claim, 0) + 1
          FROM unclaimed u JOIN numbered n ON n.payee_id = u.payee_id
          LEFT JOIN withdrawn w ON w.transfer_id = u.transfer_id
         CROSS JOIN new_run
         ORDER BY u.transfer_id
    )
"""

CLAIM_TOTALS = text(f"WITH {UNCLAIMED}, {_RUN_AND_PAYMENTS} SELECT id FROM new_run")
"""The run and its payments alone, for measuring what the lines cost."""

# One statement for as many sales as there are, written in the order of the table's key. The payees'
# details are frozen as they stand.
_CLAIM = text(f"WITH {UNCLAIMED}, {_RUN_AND_PAYMENTS}, {_LINES} SELECT id FROM new_run")

ENOUGH_MEMORY = text("SELECT set_config('work_mem', '128MB', true)")
"""Before a statement that sorts and joins all of a run's lines; until the transaction ends."""

_FREEZE_AGAIN = text(
    f"""
    UPDATE merchants.remittance r
       SET holder = p.holder, iban = p.iban, bic = p.bic, building_number = p.building_number,
           street = p.street, postal_code = p.postal_code, town = p.town, country = p.country
      FROM merchants.payee p
     WHERE r.run_id = :run_id AND p.id = r.payee_id AND {ACCOUNT_CHANGED}
    """
)


def draft_run(
    session: Session, *, paying_funder: str, cutoff_at: datetime, by: UUID, at: datetime
) -> UUID:
    """Prepare a run of what `paying_funder` owes for what counts before `cutoff_at`; return its id.

    paying_funder: the funder's code. cutoff_at: aware, not after `at`. by: the identity of the
    officer. Payees whose account a bank would refuse are left out (`left_out` names them): nothing of
    theirs is claimed. Raises `PayerUnknown`, `CutoffInFuture`, `NothingToPay`, `NobodyPayable` where
    all that are due money were left out, or `OrderPartyInvalid` where the payer's own account is
    unusable; each leaves nothing once the unit of work is rolled back.
    """
    if cutoff_at > at:
        raise CutoffInFuture()
    payer = find_payer(session, paying_funder)
    values = claim_values(session, payer, cutoff_at, by=by, at=at)
    if session.execute(_CLAIM, values).first() is None:
        if waiting := left_out(session, payer, cutoff_at):
            raise NobodyPayable(count=len(waiting))
        raise NothingToPay(payer=payer.code)
    run_id: UUID = values["run_id"]
    return run_id


def claim_values(
    session: Session, payer: Payer, cutoff_at: datetime, *, by: UUID, at: datetime
) -> dict[str, Any]:
    """Return what a claim's statement needs, after making room for it: one draft of a payer at a time.

    Raises `OrderPartyInvalid` where the payer's own account is unusable.
    """
    session.execute(_ONE_DRAFT_AT_A_TIME, {"payer": payer.code})
    session.execute(ENOUGH_MEMORY)
    _open_transit_account(session, payer.code, at)
    run_id = uuid7(at)
    message_id = _message_id(session, run_id, at)
    check_party(payer.account, message_id)
    return {
        **unclaimed_values(session, payer, cutoff_at, unpayable(session, payer)),
        "run_id": run_id,
        "payer": payer.code,
        "by": by,
        "at": at,
        "message_id": message_id,
        **debtor_columns(payer.account),
    }


def withdraw_run(session: Session, run_id: UUID, *, by: UUID, at: datetime) -> Run:
    """Withdraw a draft for good and return it: what it had claimed is free for the next one.

    by: an identity that prepares or approves runs. Nothing of the run is deleted: its payments and
    lines stay to be read. Raises `RunUnknown` or `RunNotDraft`.
    """
    run = lock_run(session, run_id)
    if run.state != "draft":
        raise RunNotDraft()
    run.state = "withdrawn"
    run.withdrawn_by = by
    run.withdrawn_at = at
    session.flush()
    return run


def refresh_run(session: Session, run_id: UUID, *, by: UUID) -> int:
    """Freeze again the bank details of a draft as they stand now; return how many changed.

    Whoever refreshes has prepared the run as it now stands, and can't approve it. Raises
    `RunUnknown`, `RunNotDraft` or `PayerUnknown`.
    """
    run = lock_run(session, run_id)
    if run.state != "draft":
        raise RunNotDraft()
    debtor = debtor_columns(find_payer(session, run.payer).account)
    changed = sum(getattr(run, name) != value for name, value in debtor.items())
    for name, value in debtor.items():
        setattr(run, name, value)
    run.drafted_by = by
    session.flush()
    updated: Any = session.execute(_FREEZE_AGAIN, {"run_id": run_id})
    return int(updated.rowcount) + (1 if changed else 0)


def debtor_columns(account: Party) -> dict[str, str | None]:
    """Return the payer's account as the columns of a run that freeze it."""
    return {
        "debtor_name": account.name,
        "debtor_iban": account.iban,
        "debtor_bic": account.bic,
        "debtor_building_number": account.address.building_number,
        "debtor_street": account.address.street,
        "debtor_postal_code": account.address.postal_code,
        "debtor_town": account.address.town,
        "debtor_country": account.address.country,
    }


def _open_transit_account(session: Session, payer: str, at: datetime) -> None:
    if session.get(TransitAccount, payer) is None:
        account_id = open_account(session, kind="in_transit", guarded=False, at=at)
        session.add(TransitAccount(payer=payer, account_id=account_id))
        session.flush()


def _message_id(session: Session, run_id: UUID, at: datetime) -> str:
    """Return the run's reference: readable, within a bank's 35 characters, random at its end."""
    scheme = current_scheme(session)
    return f"{scheme.issuer}-{at.astimezone(scheme.zone):%Y%m%d}-{run_id.hex[-12:].upper()}"
