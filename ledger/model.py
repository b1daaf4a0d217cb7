"""The ledger's tables. Transfers and idempotency rows are only ever appended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, plain

ACCOUNT_KINDS = ("funding", "envelope", "entitlement", "payable", "in_transit", "paid")
TRANSFER_KINDS = ("fund", "grant", "capture", "cancellation", "refund", "remit", "settle")


class SharePlan(Base):
    """A frozen set of funders' shares; every grant made under it points here and never moves."""

    __tablename__ = "share_plan"
    __table_args__ = {"schema": "ledger"}

    id: Mapped[UUID] = plain(primary_key=True)
    created_at: Mapped[datetime] = plain()


class Account(Base):
    """One pot of one asset. share_plan_id: for an entitlement, who bears it and in which shares."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"kind IN {ACCOUNT_KINDS}", name="kind"),
        CheckConstraint("asset ~ '^[A-Z][A-Z0-9_]{2,30}$'", name="asset"),
        CheckConstraint("guarded OR kind <> 'entitlement'", name="entitlements_are_guarded"),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    asset: Mapped[str] = plain()
    kind: Mapped[str] = plain()
    guarded: Mapped[bool] = plain()
    share_plan_id: Mapped[UUID | None] = plain(ForeignKey("ledger.share_plan.id"))
    created_at: Mapped[datetime] = plain()


class Share(Base):
    """One funder's weight in a share plan. Parts are rounded on the cumulated amount."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("position >= 1", name="position"),
        {"schema": "ledger"},
    )

    share_plan_id: Mapped[UUID] = plain(ForeignKey("ledger.share_plan.id"), primary_key=True)
    position: Mapped[int] = plain(primary_key=True)
    envelope_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    weight: Mapped[int] = plain()


class Balance(Base):
    """The running balance of a guarded account; the database refuses one below zero.

    Unguarded accounts have no row: a purchase must not make all others of a shop wait.
    """

    __tablename__ = "balance"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="never_below_zero"),
        {"schema": "ledger"},
    )

    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), primary_key=True)
    balance: Mapped[int] = plain()


class Transfer(Base):
    """A movement from one account to another. Partitioned by RANGE(id), so the id alone is the key.

    No foreign key to the accounts: its check would lock the row of a shop's payable for each of the
    shop's sales. `ledger.post_transfers` checks the accounts; `sesame ledger verify` checks again.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        CheckConstraint(f"kind IN {TRANSFER_KINDS}", name="kind"),
        Index("ix_transfer_debit_account_id_id", "debit_account_id", "id"),
        Index("ix_transfer_credit_account_id_id", "credit_account_id", "id"),
        {"schema": "ledger", "postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    debit_account_id: Mapped[UUID] = plain()
    credit_account_id: Mapped[UUID] = plain()
    amount: Mapped[int] = plain()
    kind: Mapped[str] = plain()
    correlation_id: Mapped[UUID] = plain()
    corrects_id: Mapped[UUID | None] = plain()
    counts_at: Mapped[datetime] = plain()
    recorded_at: Mapped[datetime] = plain()


class Idempotency(Base):
    """What was asked under a key and what was answered, refusals too. A purchase's key never expires."""

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 8 AND 128", name="key"),
        {"schema": "ledger"},
    )

    scope: Mapped[str] = plain(primary_key=True)
    key: Mapped[str] = plain(primary_key=True)
    content_hash: Mapped[bytes] = plain()
    outcome: Mapped[dict[str, Any]] = plain()
    recorded_at: Mapped[datetime] = plain()
