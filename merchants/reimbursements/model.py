"""Runs, the payments in them, and which transfer of the ledger each payment pays.

What a run pays is claimed by its lines. A transfer's claims are numbered from 1, and (transfer, claim)
is the key: the database takes claim n + 1 only where claim n belongs to a run that was withdrawn, which
is the end of a run. So of all the runs that ever claimed a sale one at most is alive, and the lines of
those withdrawn stay as they were. A run looks for what no living claim holds, so a sale that commits
late is found by the next. The database's own rules (four eyes, order of states, control totals, claims)
are triggers and checks of revision 0008.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

STATES = ("draft", "approved", "exported", "settled", "withdrawn")

_WHO: dict[str, Any] = {"purpose": "four-eyes control of payments", "retention": "accounting"}
_PAYEE: dict[str, Any] = {"purpose": "paying what is owed", "retention": "accounting"}


class TransitAccount(Base):
    """The ledger account where a payer's money waits between approval and the bank's answer."""

    __tablename__ = "transit_account"
    __table_args__ = {"schema": "merchants"}

    payer: Mapped[str] = plain(primary_key=True)
    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), unique=True)


class Run(Base):
    """One reimbursement run of one payer: what it owes up to a cut-off, paid by one bank file.

    payer: the paying funder's code. message_id: the bank file's, the run's reference for people too.
    The payer's account is frozen here and the payees' in `remittance`: the file is made of these rows
    alone. execution_on, exported_at, file_sha256: of the first file made; any later one must equal it.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("approved_by <> drafted_by", name="four_eyes"),
        CheckConstraint(
            "(state IN ('draft', 'withdrawn')) = (approved_by IS NULL) "
            "AND (approved_by IS NULL) = (approved_at IS NULL)",
            name="approved",
        ),
        CheckConstraint(
            "(state IN ('draft', 'withdrawn', 'approved')) = (exported_at IS NULL) "
            "AND (exported_at IS NULL) = (file_sha256 IS NULL) "
            "AND (exported_at IS NULL) = (execution_on IS NULL)",
            name="exported",
        ),
        CheckConstraint(
            "(state <> 'withdrawn') = (withdrawn_by IS NULL) "
            "AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
            name="withdrawn",
        ),
        CheckConstraint("total_cents > 0", name="total"),
        CheckConstraint("remittance_count > 0 AND line_count >= remittance_count", name="counts"),
        CheckConstraint("length(message_id) <= 35", name="message_id"),
        Index("ix_run_drafted_at", "drafted_at"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    payer: Mapped[str] = plain(ForeignKey("merchants.transit_account.payer"))
    cutoff_at: Mapped[datetime] = plain()
    state: Mapped[str] = plain()
    drafted_by: Mapped[UUID] = personal(ForeignKey("platform.identity.id"), **_WHO)
    drafted_at: Mapped[datetime] = plain()
    approved_by: Mapped[UUID | None] = personal(ForeignKey("platform.identity.id"), **_WHO)
    approved_at: Mapped[datetime | None] = plain()
    execution_on: Mapped[date | None] = plain()
    exported_at: Mapped[datetime | None] = plain()
    file_sha256: Mapped[bytes | None] = plain()
    withdrawn_by: Mapped[UUID | None] = personal(ForeignKey("platform.identity.id"), **_WHO)
    withdrawn_at: Mapped[datetime | None] = plain()
    message_id: Mapped[str] = plain(unique=True)
    total_cents: Mapped[int] = plain()
    remittance_count: Mapped[int] = plain()
    line_count: Mapped[int] = plain()
    debtor_name: Mapped[str] = plain()
    debtor_iban: Mapped[str] = plain()
    debtor_bic: Mapped[str | None] = plain()
    debtor_building_number: Mapped[str | None] = plain()
    debtor_street: Mapped[str] = plain()
    debtor_postal_code: Mapped[str] = plain()
    debtor_town: Mapped[str] = plain()
    debtor_country: Mapped[str] = plain()


class Remittance(Base):
    """One payment of a run to one payee, with the account as it stood when the run was drafted."""

    __tablename__ = "remittance"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("line_count > 0", name="line_count"),
        CheckConstraint("length(end_to_end_id) <= 35", name="end_to_end_id"),
        UniqueConstraint("run_id", "payee_id"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    run_id: Mapped[UUID] = plain(ForeignKey("merchants.run.id"))
    payee_id: Mapped[UUID] = personal(ForeignKey("merchants.payee.id"), index=True, **_PAYEE)
    amount_cents: Mapped[int] = plain()
    line_count: Mapped[int] = plain()
    end_to_end_id: Mapped[str] = plain(unique=True)
    holder: Mapped[str] = personal(**_PAYEE)
    iban: Mapped[str] = personal(**_PAYEE)
    bic: Mapped[str | None] = personal(**_PAYEE)
    building_number: Mapped[str | None] = personal(**_PAYEE)
    street: Mapped[str] = personal(**_PAYEE)
    postal_code: Mapped[str] = personal(**_PAYEE)
    town: Mapped[str] = personal(**_PAYEE)
    country: Mapped[str] = plain()


class RunLine(Base):
    """One transfer of the ledger, claimed by one run. Only ever appended.

    amount_cents: what it adds to the payment; below zero for a refund. claim: 1, or one more than that
    of the withdrawn run that held the transfer before. No foreign key here: one
    check for each of a million lines would cost more than the run; a trigger checks a statement's
    lines at once.
    """

    __tablename__ = "run_line"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        CheckConstraint("claim >= 1", name="claim"),
        {"schema": "merchants"},
    )

    transfer_id: Mapped[UUID] = plain(primary_key=True)
    run_id: Mapped[UUID] = plain()
    remittance_id: Mapped[UUID] = plain(index=True)
    account_id: Mapped[UUID] = plain()
    amount_cents: Mapped[int] = plain()
    counts_at: Mapped[datetime] = plain()
    claim: Mapped[int] = plain(primary_key=True)
