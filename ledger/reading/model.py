"""What reading keeps beside the book: figures of closed months, thresholds and what was noticed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, plain


class EnvelopeMonth(Base):
    """What an envelope's money did in one closed month. Nothing counts there any more, so it stays true.

    granted: less what was withdrawn. given_back: releases of tickets, refunds to funders. spent: this
    envelope's part of what was captured and not given back.
    """

    __tablename__ = "envelope_month"
    __table_args__ = (
        CheckConstraint("counts_before > counts_from", name="period"),
        {"schema": "ledger"},
    )

    envelope_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), primary_key=True)
    counts_before: Mapped[datetime] = plain(primary_key=True)
    counts_from: Mapped[datetime] = plain()
    funded_cents: Mapped[int] = plain()
    granted_cents: Mapped[int] = plain()
    expired_cents: Mapped[int] = plain()
    given_back_cents: Mapped[int] = plain()
    spent_cents: Mapped[int] = plain()
    recorded_at: Mapped[datetime] = plain()


class Threshold(Base):
    """Below what an envelope's balance is to be warned of. The latest row holds; NULL: no longer."""

    __tablename__ = "threshold"
    __table_args__ = (CheckConstraint("below_cents > 0", name="below"), {"schema": "ledger"})

    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), primary_key=True)
    set_at: Mapped[datetime] = plain(primary_key=True)
    below_cents: Mapped[int | None] = plain()
    set_by: Mapped[UUID | None] = plain()


class ThresholdWarning(Base):
    """One crossing of a threshold, as it was noticed: downwards (a warning), or up again (its end)."""

    __tablename__ = "threshold_warning"
    __table_args__ = (
        CheckConstraint("below_cents > 0", name="below"),
        Index("ix_threshold_warning_account_id_id", "account_id", "id"),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    below_cents: Mapped[int] = plain()
    balance_cents: Mapped[int] = plain()
    noticed_at: Mapped[datetime] = plain()
