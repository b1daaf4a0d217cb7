"""Calls for funds, appended and never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, plain


class CallForFunds(Base):
    """What a paying envelope asked of another funder's. borne_cents: all that this one bears of what
    counts before `counted_before`; called_cents: what former calls hadn't asked for yet.
    """

    __tablename__ = "call_for_funds"
    __table_args__ = (
        CheckConstraint("envelope_id <> paying_envelope_id", name="two_envelopes"),
        CheckConstraint("called_cents > 0 AND called_cents <= borne_cents", name="called"),
        CheckConstraint("counted_before <= recorded_at", name="not_ahead"),
        Index("ix_call_for_funds_envelope_id", "envelope_id", "paying_envelope_id"),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    envelope_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    paying_envelope_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    counted_before: Mapped[datetime] = plain()
    borne_cents: Mapped[int] = plain()
    called_cents: Mapped[int] = plain()
    recorded_at: Mapped[datetime] = plain()
